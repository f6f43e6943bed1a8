// A read that the near cache answers, side by side with a plain read of the same rows from Redis: 1 and 100 entities x 10 float32 features into a
// Float32Array. `pnpm bench:redis`; figures go to reports/near-cache.json.
import { scheduler } from "node:timers/promises";
import { findFeature } from "@larder/schema";
import { printTable, writeReport } from "@larder/testkit/bench";
import { createReadPlan, encodeEntityRows, type OnlineStore } from "../src/index.ts";
import { measure } from "./measure.ts";
import { featureValue, fill, openRedisWorld } from "./redis-world.ts";

const SHAPE = { views: 1, features: 10, ttl: "30d" };
const CUSTOMERS = 2_000;
const ROUNDS = 30;
const CALLERS = 16;
/** Most microseconds of a hit of one entity. */
const AT_MOST_US = 20;

await using world = await openRedisWorld();
const bare = await world.open(SHAPE);
await using plain = bare.store;
await using near = (await world.open(SHAPE, ", near_cache: { max_age: 1h }")).store;
await fill(bare, SHAPE, CUSTOMERS);
const call = { tenant: "default" };
const columns = Array.from({ length: SHAPE.features }, (_, i) => i);
const plan = createReadPlan(
  bare.definitions,
  columns.map((i) => findFeature(bare.definitions, `v0:f${i}`)),
  { fullFeatureNames: false },
);
const customers = Array.from({ length: CUSTOMERS }, (_, customer) => customer);
const keysOf = (ids: readonly number[]) =>
  encodeEntityRows(
    plan,
    ids.map((customer_id) => ({ customer_id })),
  );
// Known from here on: what is measured then are hits. Late signals of the rows above may take some away once more.
for (const end = performance.now() + 10_000; performance.now() < end; await scheduler.wait(200)) {
  if ((await near.read(plan, keysOf(customers), call)).source(0, 0) === "near_cache") break;
}

const results = [];
for (const entities of [1, 100]) {
  const requests = Array.from({ length: 97 }, (_, turn) =>
    Array.from({ length: entities }, (_, i) => (turn * 131 + i * 53) % CUSTOMERS),
  );
  const keys = requests.map(keysOf);
  const read = async (store: OnlineStore, turn: number) => {
    const batch = await store.read(plan, keys[turn % keys.length] as (typeof keys)[number], call);
    const out = new Float32Array(entities * columns.length);
    for (const column of columns) batch.fillFloat32(column, out, column, columns.length);
    return { out, source: batch.source(0, 0) };
  };
  for (const [store, wanted] of [
    [plain, "store"],
    [near, "near_cache"],
  ] as const) {
    const { out, source } = await read(store, 5);
    const right = (requests[5] as number[]).every((id, row) =>
      columns.every((i) => out[row * columns.length + i] === featureValue(id, 0, i)),
    );
    if (source !== wanted || !right)
      throw new Error(`A read from ${source}, which should be from ${wanted}, is ${right ? "right" : "wrong"}`);
  }
  const contenders = [
    { name: "near cache, hit", call: (turn: number) => read(near, turn) },
    { name: "plain read", call: (turn: number) => read(plain, turn) },
  ];
  const figures = await measure(contenders, {
    rounds: ROUNDS,
    milliseconds: 50,
    callers: CALLERS,
    serverCpu: async () => 0,
  });
  results.push({ entities, figures });
}

const machine = await world.machine();
console.log(
  `\nReads of ${SHAPE.features} float32 features into a Float32Array, with and without a near cache that knows the rows`,
);
console.log(`${machine}; ${ROUNDS} rounds\n`);
printTable(
  ["reader", "p50 us", `calls/s, ${CALLERS} callers`, "client CPU us"],
  results.flatMap(({ entities, figures }) =>
    figures.map(({ name, p50, callsPerSecond, clientCpu }) => [
      `${entities} x ${name}`,
      p50,
      callsPerSecond,
      clientCpu,
    ]),
  ),
);
const ratios = results.map(({ entities, figures: [hit, read] }) => ({
  entities,
  clientCpu: (read?.clientCpu ?? Number.NaN) / (hit?.clientCpu ?? Number.NaN),
  p50: (read?.p50 ?? Number.NaN) / (hit?.p50 ?? Number.NaN),
}));
for (const { entities, clientCpu, p50 } of ratios) {
  console.log(
    `${entities} entities: a plain read takes ${p50.toFixed(1)} times as long as a hit, and ${clientCpu.toFixed(1)} times its CPU`,
  );
}
writeReport(import.meta.dirname, "near-cache", { machine, rounds: ROUNDS, callers: CALLERS, results, ratios });
const hit = results[0]?.figures[0]?.p50 ?? Number.NaN;
if (!(hit < AT_MOST_US)) {
  console.error(`Missed: a hit of one entity takes ${hit.toFixed(1)} us, and may take ${AT_MOST_US}`);
  process.exitCode = 99;
}
