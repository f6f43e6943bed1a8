// One plan in a process of its own: prints what it took as a line of JSON. `bench/training/plans.ts` starts it.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { buildTrainingSet, openDuckDb } from "../../src/index.ts";
import { makeDefinitions, refsOf } from "../../test/support/make-definitions.ts";
import type { PlanOrder, PlanRun } from "./plans.ts";
import { FEATURES, TTL_DAYS, viewsOf } from "./tables.ts";

const { plan, folder, views, memoryLimitBytes } = JSON.parse(process.argv[2] as string) as PlanOrder;
const out = join(folder, `${plan}.parquet`);
const entities = join(folder, "entities.parquet");
await using engine = await openDuckDb({
  tempDirectory: folder,
  ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
});
const call = { subject: { kind: "plan" } } as const;

const started = performance.now();
const cpu = process.cpuUsage();
if (plan === "bare" || plan === "bare_exact") await bareJoin(plan === "bare_exact");
else if (plan === "event_time" || plan === "bitemporal") await train(plan);
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(cpu);
const peakBytes = process.resourceUsage().maxRSS * 1024;

const [sums] = await engine.rows(`SELECT count(view0__f0) AS n, sum(view0__f0::DOUBLE) AS f0 FROM '${out}'`, call);
rmSync(out);
const found = `${sums?.["n"]} rows, sum ${Number(sums?.["f0"]).toPrecision(9)}`;
console.log(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, peakBytes, found } satisfies PlanRun));

async function bareJoin(exact: boolean): Promise<void> {
  const indices = Array.from({ length: views }, (_, i) => i);
  const time = (i: number) =>
    exact
      ? `(e.event_timestamp, TIMESTAMP 'infinity') >= (j${i}.event_timestamp, j${i}.created)`
      : `e.event_timestamp >= j${i}.event_timestamp`;
  const joins = indices.map(
    (i) => `ASOF LEFT JOIN '${folder}/view${i}.parquet' AS j${i} ON e.customer_id = j${i}.customer_id AND ${time(i)}`,
  );
  const alive = (i: number) => `j${i}.event_timestamp >= e.event_timestamp - INTERVAL ${TTL_DAYS} DAY`;
  const features = indices.flatMap((i) =>
    FEATURES.map(
      (name) => `${exact ? `CASE WHEN ${alive(i)} THEN j${i}.${name} END` : `j${i}.${name}`} AS view${i}__${name}`,
    ),
  );
  await engine.run("SET preserve_insertion_order = false", call);
  await engine.run(
    `COPY (SELECT e.*, ${features.join(", ")} FROM '${entities}' AS e ${joins.join(" ")}) TO '${out}' (FORMAT parquet, COMPRESSION zstd)`,
    call,
  );
}

async function train(asOf: "event_time" | "bitemporal"): Promise<void> {
  const joined = viewsOf(views);
  await buildTrainingSet({
    definitions: makeDefinitions(folder, joined),
    features: joined.flatMap((view) => refsOf(view)),
    fullFeatureNames: true,
    entities,
    out,
    asOf,
    tenant: "default",
    engine,
  });
}
