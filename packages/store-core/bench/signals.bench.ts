// What freshness signals cost a busy writer: batches of 100 rows of 10 float32 features into Redis, without signals, with them, with subscribers that
// hear them, and, in their place, with listeners by Redis's own client tracking (docs/adr/0009-near-cache.md). `pnpm bench:redis`; figures go to reports/signals.json.
import { findView, systemClock } from "@larder/schema";
import { printTable, writeReport } from "@larder/testkit/bench";
import { Redis } from "ioredis";
import { createPackedOnlineStore } from "../src/packed-online-store.ts";
import { openRedisRowStore } from "../src/stores/redis/redis-row-store.ts";
import { measure } from "./measure.ts";
import { openRedisWorld } from "./redis-world.ts";

const SHAPE = { views: 1, features: 10, ttl: "30d", tenants: ["silent", "told", "heard", "tracked"] };
const BATCH = 100;
const ROUNDS = 40;
const CALLERS = 4;
const SUBSCRIBERS = 4;
/** Least share of the throughput without signals. */
const AT_LEAST = 0.95;

await using world = await openRedisWorld();
const { server } = world;
const { store: whole, definitions } = await world.open(SHAPE);
await using _whole = whole;
const config = definitions.onlineStore;
if (config.type !== "redis" || config.layout !== "packed") throw new Error("The bench writes packed rows to Redis");

const clock = systemClock;
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
    values: Array.from({ length: SHAPE.features }, (_, feature) => i + feature / 8),
  }));
  return store.write(findView(definitions, "v0"), rows, { tenant });
};
const contenders = [
  { name: "without signals", call: write(silent, "silent") },
  { name: "with signals, nobody listens", call: write(whole, "told") },
  { name: `with signals, ${SUBSCRIBERS} subscribers`, call: write(whole, "heard") },
  { name: `client tracking, ${SUBSCRIBERS} listeners`, call: write(silent, "tracked") },
];
const trackers = Array.from({ length: SUBSCRIBERS }, () => new Redis({ host: server.host, port: server.port }));
await Promise.all(trackers.map((each) => each.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "l:bench:tracked:")));
const figures = await measure(contenders, {
  rounds: ROUNDS,
  milliseconds: 150,
  callers: CALLERS,
  serverCpu: world.serverCpu,
});
for (const each of trackers) each.disconnect();
for (const subscription of heard) await subscription.return?.();
await listening;

const machine = await world.machine();
console.log(
  `\nWrites of ${BATCH} rows x ${SHAPE.features} float32 features, ${CALLERS} at once; ${signals} signals heard`,
);
console.log(`${machine}; ${ROUNDS} rounds\n`);
const base = figures[0]?.callsPerSecond ?? Number.NaN;
const shares = figures.map(({ name, callsPerSecond }) => ({ name, share: callsPerSecond / base }));
printTable(
  ["writer", "rows/s", "client CPU us/row", "server CPU us/row", "share of the throughput without"],
  figures.map(({ name, callsPerSecond, clientCpu, serverCpu }) => [
    name,
    callsPerSecond * BATCH,
    clientCpu / BATCH,
    serverCpu / BATCH,
    callsPerSecond / base,
  ]),
);
writeReport(import.meta.dirname, "signals", { machine, rounds: ROUNDS, callers: CALLERS, figures, shares });
for (const { name, share } of shares.filter((each) => each.share < AT_LEAST && each.name.includes("with signals"))) {
  console.error(`Missed: ${name} ${share.toFixed(3)} of the throughput without, and at least ${AT_LEAST} is asked`);
  process.exitCode = 99;
}
