/*
 * Point-in-time joins and latest rows against a bare DuckDB ASOF join on the same Parquet, in one run:
 *
 *   node --conditions=@larder/source bench/point-in-time.bench.ts
 *
 * LARDER_BENCH_ROWS (feature rows, default 1,000,000), LARDER_BENCH_ENTITY_ROWS (100,000), LARDER_BENCH_KEYS (rows / 100), LARDER_BENCH_VIEWS (1),
 * LARDER_BENCH_REPEATS (3), LARDER_BENCH_JSON (file for the raw figures). The bare join is what DuckDB does at its best: no tie-break, no created
 * time, rows in any order. Every plan runs in turn within a repeat; the best of each counts. CPU time is steadier than wall time on a busy machine.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { buildTrainingSet, openDuckDb, readLatestRows } from "../src/index.ts";
import { makeDefinitions, makeView, refsOf } from "../test/support/make-definitions.ts";

const rows = setting("ROWS", 1_000_000);
const entityRows = setting("ENTITY_ROWS", 100_000);
const keys = setting("KEYS", Math.max(1, Math.floor(rows / 100)));
const viewCount = setting("VIEWS", 1);
const repeats = setting("REPEATS", 3);
const plan = { subject: { kind: "plan" } } as const;
const FEATURES = Array.from({ length: 10 }, (_, i) => `f${i}`);

const folder = mkdtempSync(join(tmpdir(), "larder-bench-"));
const engine = await openDuckDb();
try {
  await main();
} finally {
  await engine.close();
  rmSync(folder, { recursive: true });
}

async function main(): Promise<void> {
  await generate();
  const views = Array.from({ length: viewCount }, (_, i) =>
    makeView({
      name: `view${i}`,
      features: Object.fromEntries(FEATURES.map((name) => [name, "float32"] as const)),
      ttl: 7 * 86_400_000_000,
      source: { createdTimestampColumn: "created", createdMeans: "arrival" },
    }),
  );
  const definitions = makeDefinitions(folder, views);
  const train = (asOf: "event_time" | "bitemporal") => async () => {
    await buildTrainingSet({
      definitions,
      features: views.flatMap((view) => refsOf(view)),
      fullFeatureNames: true,
      entities: join(folder, "entities.parquet"),
      out: join(folder, "train.parquet"),
      asOf,
      tenant: "default",
      engine,
    });
    return entityRows;
  };
  const plans: Record<string, () => Promise<number>> = {
    "bare ASOF": bareJoin,
    event_time: train("event_time"),
    bitemporal: train("bitemporal"),
    "latest rows": async () => {
      let count = 0;
      const request = { definitions, view: views[0]!, tenant: "default", start: 0n, end: 2n ** 62n, engine };
      for await (const chunk of readLatestRows(request)) count += chunk.rows.length;
      return count;
    },
  };
  const best = new Map<string, { seconds: number; cpuSeconds: number; rows: number }>();
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [name, run] of Object.entries(plans)) {
      const started = performance.now();
      const cpu = process.cpuUsage();
      const count = await run();
      const seconds = (performance.now() - started) / 1000;
      const { user, system } = process.cpuUsage(cpu);
      const cpuSeconds = (user + system) / 1e6;
      const other = best.get(name);
      best.set(name, {
        seconds: Math.min(seconds, other?.seconds ?? seconds),
        cpuSeconds: Math.min(cpuSeconds, other?.cpuSeconds ?? cpuSeconds),
        rows: count,
      });
    }
  }
  report(best);
}

function report(best: ReadonlyMap<string, { seconds: number; cpuSeconds: number; rows: number }>): void {
  const bare = best.get("bare ASOF")!;
  const version = `DuckDB ${engine.version}, Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "CPU"}`;
  console.log(
    `${entityRows} entity rows x ${viewCount} view(s) of ${rows} rows, ${keys} keys, ${FEATURES.length} features, ttl 7 d; ${version}`,
  );
  console.log("plan           seconds    rows/s  CPU s  rate / bare  CPU rate / bare");
  const figures = [...best].map(([plan, { seconds, cpuSeconds, rows }]) => ({
    plan,
    seconds,
    cpuSeconds,
    rowsPerSecond: Math.round(rows / seconds),
    ...(plan === "latest rows" ? {} : { ratio: bare.seconds / seconds, cpuRatio: bare.cpuSeconds / cpuSeconds }),
  }));
  for (const figure of figures) {
    const ratios = [figure.ratio, figure.cpuRatio].map((ratio) => ratio?.toFixed(2).padStart(13) ?? "");
    console.log(
      figure.plan.padEnd(12),
      figure.seconds.toFixed(2).padStart(9),
      String(figure.rowsPerSecond).padStart(9),
      figure.cpuSeconds.toFixed(2).padStart(6),
      ...ratios,
    );
  }
  const maxRssMb = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(`peak memory ${maxRssMb} MB`);
  const file = process.env["LARDER_BENCH_JSON"];
  if (file !== undefined)
    writeFileSync(
      file,
      JSON.stringify({ rows, entityRows, keys, viewCount, version, maxRssMb, figures }, undefined, 2),
    );
}

/** 60 days of history; created up to an hour later, so that the two rules answer alike for most rows. */
async function generate(): Promise<void> {
  const time = (seed: string) => `TIMESTAMP '2026-01-01' + to_microseconds((hash(${seed}) % 5184000000000)::BIGINT)`;
  for (let view = 0; view < viewCount; view++) {
    const features = FEATURES.map(
      (name, i) => `((hash(i * 31 + ${view * 100 + i}) % 1000000) / 997.0)::FLOAT AS ${name}`,
    );
    await write(
      `view${view}.parquet`,
      `SELECT (hash(i + ${view}) % ${keys})::BIGINT AS customer_id, ${time(`i * 7 + ${view}`)} AS event_timestamp,
       event_timestamp + to_microseconds((hash(i * 3) % 3600000000)::BIGINT) AS created, ${features.join(", ")} FROM range(${rows}) t(i)`,
    );
  }
  await write(
    "entities.parquet",
    `SELECT (hash(i + 99) % ${keys})::BIGINT AS customer_id, ${time("i * 7 + 13")} AS event_timestamp, i % 2 AS label FROM range(${entityRows}) t(i)`,
  );
}

async function bareJoin(): Promise<number> {
  const joins = Array.from(
    { length: viewCount },
    (_, i) =>
      `ASOF LEFT JOIN '${folder}/view${i}.parquet' AS j${i} ON e.customer_id = j${i}.customer_id AND e.event_timestamp >= j${i}.event_timestamp`,
  );
  const features = Array.from({ length: viewCount }, (_, i) =>
    FEATURES.map((name) => `j${i}.${name} AS view${i}__${name}`),
  ).flat();
  await write(
    "bare.parquet",
    `SELECT e.*, ${features.join(", ")} FROM '${folder}/entities.parquet' AS e ${joins.join(" ")}`,
  );
  return entityRows;
}

async function write(name: string, select: string): Promise<void> {
  await engine.run(`COPY (${select}) TO '${folder}/${name}' (FORMAT parquet, COMPRESSION zstd)`, plan);
}

function setting(name: string, usual: number): number {
  const text = process.env[`LARDER_BENCH_${name}`];
  const value = text === undefined || text === "" ? usual : Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`LARDER_BENCH_${name} is "${text}". Give a whole number.`);
  return value;
}
