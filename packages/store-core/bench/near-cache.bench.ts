// A read that the near cache answers, side by side with a plain read of the same rows from Redis: 1 and 100 entities x 10 float32 features into a
// Float32Array. `pnpm bench:near-cache`; figures go to reports/near-cache.json.
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { findFeature, findView, parseDefinitions, systemClock } from "@larder/schema";
import { startRedis } from "@larder/testkit";
import { createReadPlan, encodeEntityRows, type OnlineStore, openOnlineStore } from "../src/index.ts";
import { measure, pin } from "./measure.ts";

const FEATURES = 10;
const CUSTOMERS = 2_000;
const ROUNDS = 30;
const CALLERS = 16;
/** Most microseconds of a hit of one entity. */
const AT_MOST_US = 20;

await using server = await startRedis();
const cores = availableParallelism();
const pinned = cores > 1 && pin(server.pid, 1) && pin(process.pid, 0);
const features = Array.from({ length: FEATURES }, (_, i) => `f${i}`);
const definitionsOf = (nearCache: string) =>
  parseDefinitions(
    `project: bench
online_store: { type: redis, connection_string: "${server.connectionString}", layout: packed, deadline: 10s ${nearCache} }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - { name: features, entity: customer, ttl: 30d, features: [${features.map((name) => `{ name: ${name}, type: float32 }`)}] }
`,
    { file: "bench.yaml", env: {} },
  );
const definitions = definitionsOf("");
await using plain = await openOnlineStore(definitions, { clock: systemClock });
await using near = await openOnlineStore(definitionsOf(", near_cache: { max_age: 1h }"), { clock: systemClock });
const call = { tenant: "default" };
const eventTime = systemClock.now() - 60_000_000;
const customers = Array.from({ length: CUSTOMERS }, (_, customer) => customer);
const featureOf = (customer: number, feature: number) => Math.fround(customer * 1.25 + feature / 8);
const rows = customers.map((customer) => ({
  entityKey: [BigInt(customer)],
  eventTime,
  createdTime: eventTime,
  values: features.map((_, i) => featureOf(customer, i)),
}));
await plain.write(findView(definitions, "features"), rows, call);
const refs = features.map((name) => findFeature(definitions, `features:${name}`));
const plan = createReadPlan(definitions, refs, { fullFeatureNames: false });
const keysOf = (ids: readonly number[]) =>
  encodeEntityRows(
    plan,
    ids.map((customer_id) => ({ customer_id })),
  );
// Known from here on: what is measured then are hits.
await near.read(plan, keysOf(customers), call);

const results = [];
for (const entities of [1, 100]) {
  const requests = Array.from({ length: 97 }, (_, turn) =>
    Array.from({ length: entities }, (_, i) => (turn * 131 + i * 53) % CUSTOMERS),
  );
  const keys = requests.map(keysOf);
  const read = async (store: OnlineStore, turn: number) => {
    const batch = await store.read(plan, keys[turn % keys.length] as (typeof keys)[number], call);
    const out = new Float32Array(entities * FEATURES);
    for (let column = 0; column < FEATURES; column++) batch.fillFloat32(column, out, column, FEATURES);
    return { out, source: batch.source(0, 0) };
  };
  for (const [store, wanted] of [
    [plain, "store"],
    [near, "near_cache"],
  ] as const) {
    const { out, source } = await read(store, 5);
    const right = (requests[5] as number[]).every((id, row) =>
      features.every((_, i) => out[row * FEATURES + i] === featureOf(id, i)),
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

const machine = `${cpus()[0]?.model.trim()}, ${cores} cores; Node ${process.versions.node}`;
console.log(
  `\nReads of ${FEATURES} float32 features into a Float32Array, with and without a near cache that knows the rows`,
);
console.log(`${machine}; ${pinned ? "client on core 0, server on core 1" : "not pinned to cores"}; ${ROUNDS} rounds\n`);
const line = (cells: readonly (string | number)[]) => console.log(`| ${cells.join(" | ")} |`);
line(["entities", "reader", "p50 us", `calls/s, ${CALLERS} callers`, "client CPU us"]);
line(["---:", "---", "---:", "---:", "---:"]);
for (const { entities, figures } of results) {
  for (const { name, p50, callsPerSecond, clientCpu } of figures) {
    line([entities, name, p50.toFixed(1), Math.round(callsPerSecond), clientCpu.toFixed(1)]);
  }
}
const ratios = results.map(({ entities, figures: [hit, read] }) => ({
  entities,
  clientCpu: (read?.clientCpu ?? Number.NaN) / (hit?.clientCpu ?? Number.NaN),
  p50: (read?.p50 ?? Number.NaN) / (hit?.p50 ?? Number.NaN),
}));
console.log("");
for (const { entities, clientCpu, p50 } of ratios) {
  console.log(
    `${entities} entities: a plain read takes ${p50.toFixed(1)} times as long as a hit, and ${clientCpu.toFixed(1)} times its CPU`,
  );
}
const reports = join(import.meta.dirname, "..", "reports");
mkdirSync(reports, { recursive: true });
const record = { machine, pinned, rounds: ROUNDS, callers: CALLERS, results, ratios };
writeFileSync(join(reports, "near-cache.json"), `${JSON.stringify(record, undefined, 2)}\n`);
const hit = results[0]?.figures[0]?.p50 ?? Number.NaN;
if (!(hit < AT_MOST_US)) {
  console.error(`Missed: a hit of one entity takes ${hit.toFixed(1)} us, and may take ${AT_MOST_US}`);
  process.exitCode = 99;
}
