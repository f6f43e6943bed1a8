import { findFeature } from "@larder/schema";
import { createReadPlan, encodeEntityRows } from "../src/index.ts";
import { rowKey, tenantPrefix, viewField } from "../src/stores/redis/redis-keys.ts";
import { fill, openRedisWorld } from "./redis-world.ts";

const SHAPE = { views: 1, features: 10, ttl: "30d" };
await using world = await openRedisWorld();
const l = await world.open(SHAPE);
await fill(l, SHAPE, 2000);
const refs = Array.from({ length: 10 }, (_, i) => findFeature(l.definitions, `v0:f${i}`));
const plan = createReadPlan(l.definitions, refs, { fullFeatureNames: false });
const keys = Array.from({ length: 97 }, (_, i) => encodeEntityRows(plan, [{ customer_id: i }]));
const call = { tenant: "default" };
const run = async (ms: number, f: (n: number) => Promise<unknown>) => {
  let n = 0;
  const c0 = process.cpuUsage();
  const end = performance.now() + ms;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (performance.now() < end) await f(n++);
    }),
  );
  const c = process.cpuUsage(c0);
  return ((c.user + c.system) / n).toFixed(2) + " us, " + ((n / ms) * 1000).toFixed(0) + "/s";
};
const larder = async (n: number) => {
  const b = await l.store.read(plan, keys[n % 97]!, call);
  const out = new Float32Array(10);
  for (let c = 0; c < 10; c++) b.fillFloat32(c, out, c, 10);
  return out;
};
const prefix = tenantPrefix("bench", "default");
const field = viewField("v0");
const ks = Array.from({ length: 97 }, (_, i) => rowKey(prefix, String(i)));
const hand = (n: number) => world.redis.hmgetBuffer(ks[n % 97]!, field);
if (process.argv[2] !== "prof")
  for (let i = 0; i < 3; i++) console.log("larder", await run(1000, larder), " hand", await run(1000, hand));
else await run(5000, larder);
await l.store.close();
