// Larder's Redis layout beside the ones that were not taken (docs/adr/0002-redis-layout.md): time of reads of 1, 10, 100 entities x 1, 3, 10 views x
// 10 float32 features, and memory per feature by views, features, expiry and hash-max-listpack-value. `pnpm bench:redis`.

import { judge, printTable, writeReport } from "@larder/testkit/bench";
import { type Figures, measure } from "./measure.ts";
import { memoryByLayout, memoryByListpackLimit } from "./memory.ts";
import { fillOtherLayouts, readers } from "./readers.ts";
import { fill, openRedisWorld, type RedisWorld } from "./redis-world.ts";

const SHAPE = { views: 10, features: 10, ttl: "30d" };
const CUSTOMERS = 3_000;
const ROUNDS = 20;
const CALLERS = 16;

/** By calls/s, at 100 entities x 10 features of one view. */
const AT_LEAST = { floor: 1 / 1.3, feast: 5 };
/** Bytes per float32 feature, at most, at 5 views x 10 features that do not expire. */
const MOST_BYTES = 10;

/** What one size of read came to. */
interface Read {
  readonly entities: number;
  readonly views: number;
  readonly figures: readonly Figures[];
}

await using world = await openRedisWorld();
const machine = await world.machine();
console.log(`\n${machine}; ${ROUNDS} rounds, ${CALLERS} callers\n`);
const reads = await readTimes(world);
printTable(
  ["entities x views x 10: reader", "p50 us", "p99 us", "calls/s", "client CPU us", "server CPU us", "both"],
  reads.flatMap(({ entities, views, figures }) =>
    figures.map(({ name, p50, p99, callsPerSecond, clientCpu, serverCpu }) => [
      `${entities} x ${views}: ${name}`,
      ...[p50, p99, callsPerSecond, clientCpu, serverCpu, clientCpu + serverCpu],
    ]),
  ),
);
const ratios = reads.map(ratiosOf);
printTable(
  ["Larder's calls/s, as a multiple of", "the best by hand, same bytes", "strings: MGET", "Feast's layout"],
  ratios.map(({ entities, views, floor, strings, feast }) => [`${entities} x ${views}`, floor, strings, feast]),
);
await world.redis.flushall();

const layouts = await memoryByLayout(world);
printTable(
  ["bytes per feature, 10 float32 a view", "1 view", "3 views", "5 views", "10 views"],
  layouts.map(({ layout, bytes }) => [layout, ...bytes]),
);
const limits = await memoryByListpackLimit(world);
printTable(
  ["bytes per feature, 3 views of", "row bytes", ...(limits[0]?.limits.map(({ limit }) => `limit ${limit}`) ?? [])],
  limits.map(({ features, rowBytes, limits: each }) => [
    `${features} features`,
    rowBytes,
    ...each.map(({ bytes, encoding }) => `${bytes.toFixed(1)} ${encoding === "listpack" ? "" : "(table)"}`.trim()),
  ]),
);

const goals = goalsOf();
writeReport(import.meta.dirname, "redis-layout", {
  machine,
  rounds: ROUNDS,
  callers: CALLERS,
  reads,
  ratios,
  layouts,
  limits,
  goals,
});
judge(goals);

async function readTimes(on: RedisWorld): Promise<Read[]> {
  const byScript = await on.open(SHAPE);
  await using _first = byScript.store;
  const byPipeline = await on.open(SHAPE, ", gather: pipeline");
  await using _second = byPipeline.store;
  await fill(byScript, SHAPE, CUSTOMERS);
  await fillOtherLayouts(on, SHAPE, CUSTOMERS);
  const found: Read[] = [];
  for (const entities of [1, 10, 100]) {
    for (const views of [1, 3, 10]) {
      const contenders = readers(on, SHAPE, { entities, views, customers: CUSTOMERS }, [
        { name: "Larder", ...byScript },
        // For one entity both are the same command.
        ...(entities === 1 ? [] : [{ name: "Larder, gather: pipeline", ...byPipeline }]),
      ]);
      const options = { rounds: ROUNDS, milliseconds: 40, callers: CALLERS, serverCpu: on.serverCpu };
      found.push({ entities, views, figures: await measure(contenders, options) });
    }
  }
  return found;
}

function ratiosOf({ entities, views, figures }: Read) {
  const best = (start: string) =>
    Math.max(...figures.filter(({ name }) => name.startsWith(start)).map(({ callsPerSecond }) => callsPerSecond));
  const larder = best("Larder");
  return {
    entities,
    views,
    floor: larder / best("by hand"),
    strings: larder / best("strings"),
    feast: larder / best("Feast"),
  };
}

function goalsOf() {
  const hundred = ratios.find(({ entities, views }) => entities === 100 && views === 1);
  const bytesOf = (layout: string) => layouts.find((each) => each.layout === layout)?.bytes[2] ?? Number.NaN;
  const floor = hundred?.floor ?? Number.NaN;
  const feast = hundred?.feast ?? Number.NaN;
  const bytes = bytesOf("packed");
  return [
    {
      goal: "share of the best by hand, 100 entities x 10 features",
      measured: floor,
      wanted: `at least ${AT_LEAST.floor.toFixed(2)}`,
      met: floor >= AT_LEAST.floor,
    },
    {
      goal: "multiple of Feast's layout, 100 entities x 10 features",
      measured: feast,
      wanted: `at least ${AT_LEAST.feast}`,
      met: feast >= AT_LEAST.feast,
    },
    {
      goal: "bytes per float32 feature, 5 views x 10, no expiry",
      measured: bytes,
      wanted: `at most ${MOST_BYTES}`,
      met: bytes <= MOST_BYTES,
    },
  ];
}
