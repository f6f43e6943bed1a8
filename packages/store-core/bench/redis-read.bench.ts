// Reads of 100 entities x 10 float32 features from Redis into a Float32Array, side by side: Larder's OnlineStore, the best that can be written by
// hand with ioredis on the same bytes, and Feast's field-per-feature layout read by hand. `pnpm bench`; figures go to reports/redis-read.json.
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { findFeature, findView, parseDefinitions, systemClock } from "@larder/schema";
import { startRedis } from "@larder/testkit";
import { Redis } from "ioredis";
import { createReadPlan, type EntityKeys, encodeEntityRows, openOnlineStore } from "../src/index.ts";
import { rowKey, tenantPrefix, viewField } from "../src/stores/redis/redis-keys.ts";
import { gather } from "../src/stores/redis/scripts.ts";
import { feastLayout, readFloatValue } from "./feast-layout.ts";
import { type Contender, type Figures, measure, pin } from "./measure.ts";

const ENTITIES = 100;
const FEATURES = 10;
const CUSTOMERS = 5_000;
const ROUNDS = 60;
const CALLERS = 16;
/** Where the values of a row start: 20 bytes of header, 3 of states (docs/adr/0001-rows-that-sort.md). */
const VALUES_AT = 23;

/** Least share of the best hand-written reader's speed, and least multiple of the speed of Feast's layout. */
const AT_LEAST = { floor: 0.7, feast: 4 };

await using server = await startRedis();
const cores = availableParallelism();
const pinned = cores > 1 && pin(server.pid, 1) && pin(process.pid, 0);

const features = Array.from({ length: FEATURES }, (_, i) => `f${i}`);
const definitions = parseDefinitions(
  `project: bench
online_store: { type: redis, connection_string: "${server.connectionString}", layout: packed, deadline: 10s }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - { name: features, entity: customer, ttl: 30d, features: [${features.map((name) => `{ name: ${name}, type: float32 }`)}] }
`,
  { file: "bench.yaml", env: {} },
);
await using store = await openOnlineStore(definitions, { clock: systemClock });
const redis = new Redis({ host: server.host, port: server.port });

// The same values in both layouts, and the same packed bytes once more under plain strings, for the layout that was not taken.
const call = { tenant: "default" };
const featureOf = (customer: number, feature: number) => Math.fround(customer * 1.25 + feature / 8);
const customers = Array.from({ length: CUSTOMERS }, (_, customer) => customer);
const eventTime = systemClock.now() - 60_000_000;
await store.write(
  findView(definitions, "features"),
  customers.map((customer) => ({
    entityKey: [BigInt(customer)],
    eventTime,
    createdTime: eventTime,
    values: features.map((_, i) => featureOf(customer, i)),
  })),
  call,
);
const prefix = tenantPrefix("bench", "default");
const field = viewField("features");
const feast = feastLayout("bench", "features", features);
for (const customer of customers) {
  const values = Float32Array.from(features, (_, i) => featureOf(customer, i));
  await redis.hset(feast.key(customer), ...feast.row(values, Math.floor(eventTime / 1e6)));
  await redis.set(`s:${customer}`, (await redis.hgetBuffer(rowKey(prefix, String(customer)), field)) ?? "");
}

const refs = features.map((name) => findFeature(definitions, `features:${name}`));
const plan = createReadPlan(definitions, refs, { fullFeatureNames: false });
const requests = Array.from({ length: 97 }, (_, turn) =>
  Array.from({ length: ENTITIES }, (_, i) => (turn * 131 + i * 53) % CUSTOMERS),
);
const idsAt = (turn: number) => requests[turn % requests.length] as number[];
// Entity keys as text, ready for every reader: from ids to keys is the same work for all.
const encoded = requests.map((ids) =>
  encodeEntityRows(
    plan,
    ids.map((customer_id) => ({ customer_id })),
  ),
);
const entityKeysAt = (turn: number) => encoded[turn % encoded.length] as EntityKeys;
const textsAt = (turn: number) => entityKeysAt(turn).groups[0] as readonly string[];
const keysAt = (turn: number) => textsAt(turn).map((id) => `${prefix}{${id}}`);

function fillRow(out: Float32Array, row: number, bytes: DataView, at: number): void {
  for (let i = 0; i < FEATURES; i++) out[row * FEATURES + i] = bytes.getFloat32(at + VALUES_AT + 4 * i, true);
}

const viewOf = (bytes: Buffer) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const contenders: readonly Contender<Float32Array>[] = [
  {
    name: "Larder OnlineStore",
    call: async (turn) => {
      const batch = await store.read(plan, entityKeysAt(turn), call);
      const out = new Float32Array(ENTITIES * FEATURES);
      for (let column = 0; column < FEATURES; column++) batch.fillFloat32(column, out, column, FEATURES);
      return out;
    },
  },
  {
    name: "by hand: same script",
    call: async (turn) => {
      const reply = (await redis.callBuffer("EVALSHA_RO", gather.sha, ENTITIES, ...keysAt(turn), field)) as Buffer;
      const out = new Float32Array(ENTITIES * FEATURES);
      const bytes = viewOf(reply);
      // A MessagePack array of 100: three bytes; then each row as str 8: two bytes and the row.
      for (let row = 0, at = 3; row < ENTITIES; row++) {
        const length = bytes.getUint8(at + 1);
        fillRow(out, row, bytes, at + 2);
        at += 2 + length;
      }
      return out;
    },
  },
  {
    name: "by hand: HGET pipeline",
    call: async (turn) => {
      const pipeline = redis.pipeline();
      for (const key of keysAt(turn)) pipeline.hgetBuffer(key, field);
      const replies = (await pipeline.exec()) ?? [];
      const out = new Float32Array(ENTITIES * FEATURES);
      for (let row = 0; row < ENTITIES; row++) fillRow(out, row, viewOf(replies[row]?.[1] as Buffer), 0);
      return out;
    },
  },
  {
    name: "other layout: MGET of strings",
    call: async (turn) => {
      const replies = await redis.mgetBuffer(textsAt(turn).map((id) => `s:${id}`));
      const out = new Float32Array(ENTITIES * FEATURES);
      for (let row = 0; row < ENTITIES; row++) fillRow(out, row, viewOf(replies[row] as Buffer), 0);
      return out;
    },
  },
  {
    name: "Feast's layout, by hand",
    call: async (turn) => {
      const pipeline = redis.pipeline();
      for (const id of idsAt(turn)) pipeline.hmgetBuffer(feast.key(id), ...feast.fields);
      const replies = (await pipeline.exec()) ?? [];
      const out = new Float32Array(ENTITIES * FEATURES);
      for (let row = 0; row < ENTITIES; row++) {
        const values = replies[row]?.[1] as (Buffer | null)[];
        for (let i = 0; i < FEATURES; i++) out[row * FEATURES + i] = readFloatValue(values[i] as Buffer | null);
      }
      return out;
    },
  },
];

for (const { name, call: read } of contenders) {
  for (const turn of [0, 1, 96]) {
    const wanted = Float32Array.from(idsAt(turn).flatMap((id) => features.map((_, i) => featureOf(id, i))));
    if (Buffer.compare(Buffer.from((await read(turn)).buffer), Buffer.from(wanted.buffer)) !== 0) {
      throw new Error(`${name} reads other values than were written`);
    }
  }
}

const serverCpu = async () => {
  const info = await redis.info("cpu");
  const seconds = (key: string) => Number(new RegExp(`${key}:([\\d.]+)`).exec(info)?.[1]);
  return (seconds("used_cpu_user") + seconds("used_cpu_sys")) * 1e6;
};
const figures = await measure(contenders, { rounds: ROUNDS, milliseconds: 50, callers: CALLERS, serverCpu });
const version = /redis_version:(\S+)/.exec(await redis.info("server"))?.[1];
redis.disconnect();

const named = (start: string) => figures.filter(({ name }) => name.startsWith(start));
const [larder] = named("Larder") as [Figures];
const compared = [
  { against: "the best by hand on the same bytes", others: named("by hand"), least: AT_LEAST.floor },
  { against: "Feast's layout", others: named("Feast"), least: AT_LEAST.feast },
  { against: "another layout: a string per (entity, view)", others: named("other"), least: 0 },
].map(({ against, others, least }) => ({
  against,
  least,
  p50: Math.min(...others.map(({ p50 }) => p50)) / larder.p50,
  callsPerSecond: larder.callsPerSecond / Math.max(...others.map(({ callsPerSecond }) => callsPerSecond)),
}));

const machine = `${cpus()[0]?.model.trim()}, ${cores} cores; Redis ${version}, Node ${process.versions.node}, ioredis 6.0.0`;
console.log(`\n${ENTITIES} entities x ${FEATURES} float32 features into a Float32Array`);
console.log(`${machine}; ${pinned ? "client on core 0, server on core 1" : "not pinned to cores"}; ${ROUNDS} rounds\n`);
const line = (cells: readonly (string | number)[]) => console.log(`| ${cells.join(" | ")} |`);
line(["reader", "p50 us", `calls/s, ${CALLERS} callers`, "client CPU us", "server CPU us"]);
line(["---", "---:", "---:", "---:", "---:"]);
for (const { name, ...rest } of figures) line([name, ...Object.values(rest).map((value) => Math.round(value))]);
console.log("");
line(["Larder's speed, as a multiple of", "by p50", "by calls/s", "at least"]);
line(["---", "---:", "---:", "---:"]);
for (const { against, p50, callsPerSecond, least } of compared) {
  line([against, p50.toFixed(2), callsPerSecond.toFixed(2), least || "-"]);
}

const reports = join(import.meta.dirname, "..", "reports");
mkdirSync(reports, { recursive: true });
const record = { machine, pinned, rounds: ROUNDS, callers: CALLERS, figures, compared };
writeFileSync(join(reports, "redis-read.json"), `${JSON.stringify(record, undefined, 2)}\n`);

// By calls/s: with both sides saturated a figure repeats best; a single caller's p50 is mostly how soon the machine wakes a process.
const missed = compared.filter(({ callsPerSecond, least }) => callsPerSecond < least);
for (const { against, least } of missed) console.error(`Missed: at least ${least} times the speed of ${against}`);
// As k6 does when a threshold is crossed.
if (missed.length > 0) process.exitCode = 99;
