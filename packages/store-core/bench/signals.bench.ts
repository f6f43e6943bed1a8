// What freshness signals cost a busy writer: batches of 100 rows of 10 float32 features into Redis, without signals, with them, with subscribers that
// hear them, and, in their place, with listeners by Redis's own client tracking (docs/adr/0009-near-cache.md). `pnpm bench:signals`; figures go to reports/signals.json.
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { findView, parseDefinitions, systemClock } from "@larder/schema";
import { startRedis } from "@larder/testkit";
import { Redis } from "ioredis";
import { openOnlineStore } from "../src/index.ts";
import { createPackedOnlineStore } from "../src/packed-online-store.ts";
import { openRedisRowStore } from "../src/stores/redis/redis-row-store.ts";
import { measure, pin } from "./measure.ts";

const BATCH = 100;
const FEATURES = 10;
const ROUNDS = 40;
const CALLERS = 4;
const SUBSCRIBERS = 4;
/** Least share of the throughput without signals. */
const AT_LEAST = 0.95;

await using server = await startRedis();
const cores = availableParallelism();
const pinned = cores > 1 && pin(server.pid, 1) && pin(process.pid, 0);
const features = Array.from({ length: FEATURES }, (_, i) => `f${i}`);
const viewOf = (name: string) =>
  `{ name: ${name}, entity: customer, ttl: 30d, features: [${features.map((feature) => `{ name: ${feature}, type: float32 }`)}] }`;
const definitions = parseDefinitions(
  `project: bench
online_store: { type: redis, connection_string: "${server.connectionString}", layout: packed, write_deadline: 10s }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views: [${viewOf("features")}]
tenants: { default: {}, silent: {}, told: {}, heard: {}, tracked: {} }
`,
  { file: "bench.yaml", env: {} },
);
const config = definitions.onlineStore;
if (config.type !== "redis" || config.layout !== "packed") throw new Error("The bench writes packed rows to Redis");

const clock = systemClock;
await using whole = await openOnlineStore(definitions, { clock });
const mute = await openRedisRowStore(config, [...definitions.views.keys()]);
// The same rows by the same code, over a backend that cannot push.
const withoutSignals = new Proxy(mute, {
  get: (_, name) => {
    const member: unknown = name === "signals" ? undefined : Reflect.get(mute, name, mute);
    return typeof member === "function" ? (...args: unknown[]): unknown => Reflect.apply(member, mute, args) : member;
  },
});
await using silent = createPackedOnlineStore({ definitions, rowStore: withoutSignals, clock });

const heard = await Promise.all(
  Array.from({ length: SUBSCRIBERS }, async () => {
    const subscription = whole.subscribe({ tenant: "heard" }, { tenant: "heard" });
    await subscription.next();
    return subscription;
  }),
);
let signals = 0;
const listening = Promise.allSettled(
  heard.map(async (subscription) => {
    for await (const _ of subscription) signals++;
  }),
);

let time = clock.now() - 3_600_000_000;
// A tenant each, so that no contender's rows lie behind another's in the same hash.
const write = (store: typeof whole, tenant: string) => async (turn: number) => {
  time++;
  const rows = Array.from({ length: BATCH }, (_, i) => ({
    entityKey: [BigInt((turn * BATCH + i) % 20_000)],
    eventTime: time,
    createdTime: time,
    values: features.map((_, feature) => i + feature / 8),
  }));
  return store.write(findView(definitions, "features"), rows, { tenant });
};
const contenders = [
  { name: "without signals", call: write(silent, "silent") },
  { name: "with signals, nobody listens", call: write(whole, "told") },
  { name: `with signals, ${SUBSCRIBERS} subscribers`, call: write(whole, "heard") },
  { name: `client tracking, ${SUBSCRIBERS} listeners`, call: write(silent, "tracked") },
];
const redis = new Redis({ host: server.host, port: server.port });
const trackers = Array.from({ length: SUBSCRIBERS }, () => new Redis({ host: server.host, port: server.port }));
await Promise.all(trackers.map((each) => each.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "l:bench:tracked:")));
const serverCpu = async () => {
  const info = await redis.info("cpu");
  const seconds = (key: string) => Number(new RegExp(`${key}:([\\d.]+)`).exec(info)?.[1]);
  return (seconds("used_cpu_user") + seconds("used_cpu_sys")) * 1e6;
};
const figures = await measure(contenders, { rounds: ROUNDS, milliseconds: 150, callers: CALLERS, serverCpu });
for (const each of [redis, ...trackers]) each.disconnect();
for (const subscription of heard) await subscription.return?.();
await listening;

const machine = `${cpus()[0]?.model.trim()}, ${cores} cores; Node ${process.versions.node}`;
console.log(`\nWrites of ${BATCH} rows x ${FEATURES} float32 features, ${CALLERS} at once; ${signals} signals heard`);
console.log(`${machine}; ${pinned ? "client on core 0, server on core 1" : "not pinned to cores"}; ${ROUNDS} rounds\n`);
const line = (cells: readonly (string | number)[]) => console.log(`| ${cells.join(" | ")} |`);
line(["writer", "rows/s", "client CPU us/row", "server CPU us/row", "share of the throughput without"]);
line(["---", "---:", "---:", "---:", "---:"]);
const base = figures[0]?.callsPerSecond ?? Number.NaN;
const shares = figures.map(({ name, callsPerSecond }) => ({ name, share: callsPerSecond / base }));
for (const [at, { name, callsPerSecond, clientCpu, serverCpu }] of figures.entries()) {
  const perRow = (value: number) => (value / BATCH).toFixed(2);
  line([
    name,
    Math.round(callsPerSecond * BATCH),
    perRow(clientCpu),
    perRow(serverCpu),
    shares[at]?.share.toFixed(3) ?? "",
  ]);
}
const reports = join(import.meta.dirname, "..", "reports");
mkdirSync(reports, { recursive: true });
const record = { machine, pinned, rounds: ROUNDS, callers: CALLERS, figures, shares };
writeFileSync(join(reports, "signals.json"), `${JSON.stringify(record, undefined, 2)}\n`);
for (const { name, share } of shares.filter((each) => each.share < AT_LEAST && each.name.includes("with signals"))) {
  console.error(`Missed: ${name} ${share.toFixed(3)} of the throughput without, and at least ${AT_LEAST} is asked`);
  process.exitCode = 99;
}
