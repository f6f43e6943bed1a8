import { rowKey, tenantPrefix, viewField } from "../src/stores/redis/redis-keys.ts";
import { feastLayout } from "./feast-layout.ts";
import { EVENT_TIME, featureValue, fill, type RedisWorld } from "./redis-world.ts";

const CUSTOMERS = 10_000;
const VIEWS = [1, 3, 5, 10];
const FEATURES = 10;
const LIMITS = [64, 128, 256, 512, 1024];

/** Bytes of Redis memory per feature, everything included that grows with entities, for each of {@link VIEWS}. */
export interface LayoutMemory {
  readonly layout: string;
  readonly bytes: readonly number[];
}

/** What Larder's layout, a string per row and Feast's layout need. The database is emptied. */
export async function memoryByLayout(world: RedisWorld): Promise<LayoutMemory[]> {
  const packed = (ttl: string) => (views: number) => fillPacked(world, { views, features: FEATURES, ttl });
  const ways: readonly [string, (views: number) => Promise<void>][] = [
    ["packed", packed("0s")],
    ["packed, expiring", packed("30d")],
    ["strings", (views) => fillStrings(world, views, false)],
    ["strings, expiring", (views) => fillStrings(world, views, true)],
    ["Feast's", (views) => fillFeast(world, views)],
  ];
  const found: LayoutMemory[] = [];
  for (const [layout, fillWith] of ways) {
    const bytes: number[] = [];
    for (const views of VIEWS) {
      bytes.push((await memoryOf(world, () => fillWith(views))) / (CUSTOMERS * views * FEATURES));
    }
    found.push({ layout, bytes });
  }
  return found;
}

/** Bytes per feature of Larder's layout, for views of several sizes under several settings of `hash-max-listpack-value`. */
export interface LimitMemory {
  readonly features: number;
  readonly rowBytes: number;
  readonly limits: readonly { readonly limit: number; readonly bytes: number; readonly encoding: string }[];
}

/** Measures three views. The database is emptied. */
export async function memoryByListpackLimit(world: RedisWorld): Promise<LimitMemory[]> {
  const views = 3;
  const found: LimitMemory[] = [];
  const key = rowKey(tenantPrefix("bench", "default"), "1");
  for (const features of [5, 10, 12, 25, 50, 100]) {
    const limits: LimitMemory["limits"][number][] = [];
    let rowBytes = 0;
    for (const limit of LIMITS) {
      await world.redis.config("SET", "hash-max-listpack-value", limit);
      let encoding = "";
      const bytes = await memoryOf(world, async () => {
        await fillPacked(world, { views, features, ttl: "0s" });
        encoding = String(await world.redis.object("ENCODING", key));
        rowBytes = await world.redis.hstrlen(key, viewField("v0"));
      });
      limits.push({ limit, encoding, bytes: bytes / (CUSTOMERS * views * features) });
    }
    found.push({ features, rowBytes, limits });
  }
  await world.redis.config("SET", "hash-max-listpack-value", 512);
  await world.redis.flushall();
  return found;
}

async function memoryOf({ redis }: RedisWorld, fillWith: () => Promise<void>): Promise<number> {
  const used = async () => Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
  await redis.flushall("SYNC");
  const before = await used();
  await fillWith();
  const after = await used();
  await redis.flushall("SYNC");
  return after - before;
}

async function fillPacked(world: RedisWorld, shape: { views: number; features: number; ttl: string }): Promise<void> {
  const larder = await world.open(shape);
  await using _store = larder.store;
  await fill(larder, shape, CUSTOMERS);
}

/** Strings as long as the packed rows; what is in them does not matter here. */
async function fillStrings({ redis }: RedisWorld, views: number, expiring: boolean): Promise<void> {
  const row = Buffer.alloc(20 + Math.ceil(FEATURES / 4) + 4 * FEATURES, 1);
  const prefix = tenantPrefix("bench", "default");
  const expiry = Math.round(EVENT_TIME / 1000) + 30 * 86_400_000;
  for (let customer = 0; customer < CUSTOMERS; customer++) {
    const pipeline = redis.pipeline();
    for (let view = 0; view < views; view++) {
      const key = `${prefix}{${customer}}:${viewField(`v${view}`)}`;
      if (expiring) pipeline.set(key, row, "PXAT", expiry);
      else pipeline.set(key, row);
    }
    await pipeline.exec();
  }
}

async function fillFeast({ redis }: RedisWorld, views: number): Promise<void> {
  const names = Array.from({ length: FEATURES }, (_, i) => `f${i}`);
  const layouts = Array.from({ length: views }, (_, view) => feastLayout("bench", `v${view}`, names));
  for (let customer = 0; customer < CUSTOMERS; customer++) {
    const pipeline = redis.pipeline();
    for (const [view, layout] of layouts.entries()) {
      const values = Float32Array.from(names, (_, feature) => featureValue(customer, view, feature));
      pipeline.hset(layout.key(customer), ...layout.row(values, Math.floor(EVENT_TIME / 1e6)));
    }
    await pipeline.exec();
  }
}
