// Reads of 100 entities x 10 float32 features from Redis into a Float32Array, side by side: Larder's OnlineStore, the best that can be written by
// hand with ioredis on the same bytes, and Feast's field-per-feature layout read by hand. `pnpm bench`; figures go to reports/redis-read.json.

import { printTable, writeReport } from "@larder/testkit/bench";
import { type Figures, measure } from "./measure.ts";
import { fillOtherLayouts, readers } from "./readers.ts";
import { fill, openRedisWorld } from "./redis-world.ts";

const SHAPE = { views: 1, features: 10, ttl: "30d" };
const CUSTOMERS = 5_000;
const ENTITIES = 100;
const ROUNDS = 60;
const CALLERS = 16;

/** Least share of the best hand-written reader's speed, and least multiple of the speed of Feast's layout. */
const AT_LEAST = { floor: 0.7, feast: 4 };

await using world = await openRedisWorld();
const larder = await world.open(SHAPE);
await using _store = larder.store;
await fill(larder, SHAPE, CUSTOMERS);
await fillOtherLayouts(world, SHAPE, CUSTOMERS);
const reading = { entities: ENTITIES, views: 1, customers: CUSTOMERS };
const contenders = readers(world, SHAPE, reading, [{ name: "Larder OnlineStore", ...larder }]);
const figures = await measure(contenders, {
  rounds: ROUNDS,
  milliseconds: 50,
  callers: CALLERS,
  serverCpu: world.serverCpu,
});

const named = (start: string) => figures.filter(({ name }) => name.startsWith(start));
const [own] = named("Larder") as [Figures];
const compared = [
  { against: "the best by hand on the same bytes", others: named("by hand"), least: AT_LEAST.floor },
  { against: "Feast's layout", others: named("Feast"), least: AT_LEAST.feast },
  { against: "another layout: a string per (entity, view)", others: named("strings"), least: 0 },
].map(({ against, others, least }) => ({
  against,
  least,
  p50: Math.min(...others.map(({ p50 }) => p50)) / own.p50,
  callsPerSecond: own.callsPerSecond / Math.max(...others.map(({ callsPerSecond }) => callsPerSecond)),
}));

const machine = await world.machine();
console.log(`\n${ENTITIES} entities x ${SHAPE.features} float32 features into a Float32Array`);
console.log(`${machine}; ${ROUNDS} rounds\n`);
printTable(
  ["reader", "p50 us", `calls/s, ${CALLERS} callers`, "client CPU us", "server CPU us"],
  figures.map(({ name, p50, callsPerSecond, clientCpu, serverCpu }) => [
    name,
    ...[p50, callsPerSecond, clientCpu, serverCpu].map(Math.round),
  ]),
);
printTable(
  ["Larder's speed, as a multiple of", "by p50", "by calls/s", "at least"],
  compared.map(({ against, p50, callsPerSecond, least }) => [
    against,
    p50.toFixed(2),
    callsPerSecond.toFixed(2),
    least || "-",
  ]),
);
writeReport(import.meta.dirname, "redis-read", { machine, rounds: ROUNDS, callers: CALLERS, figures, compared });

// By calls/s: with both sides saturated a figure repeats best; a single caller's p50 is mostly how soon the machine wakes a process.
const missed = compared.filter(({ callsPerSecond, least }) => callsPerSecond < least);
for (const { against, least } of missed) console.error(`Missed: at least ${least} times the speed of ${against}`);
// As k6 does when a threshold is crossed.
if (missed.length > 0) process.exitCode = 99;
