import { join } from "node:path";
import { type FeatureView, type KeyType, LarderError, type ValueType } from "@larder/schema";
import {
  type AsOf,
  buildTrainingSet,
  type LintFinding,
  type LintRequest,
  type OfflineEngine,
  type TrainingSetReport,
} from "../../src/index.ts";
import { makeDefinitions, makeView, refsOf } from "./make-definitions.ts";
import { writeParquet } from "./parquet.ts";

/** Now, in every scene: 2026-07-01. Entity times are in April and May. */
export const NOW = Date.UTC(2026, 6, 1) * 1000;
const DAY = 86_400_000_000;

/**
 * Entity rows i = 0, 1, … with a label, and a view with rows of their entities, all made by SQL from a seed. Expressions of labels and entity rows are over
 * `i`; those of feature rows over `i` (the first entity row of the entity), its label `y`, and the number `d` of the feature row, 0 to `history` - 1.
 */
export interface LintSketch {
  readonly seed?: number;
  /** Entity rows; default 300. */
  readonly rows?: number;
  /** Entity rows of each entity; default 1. */
  readonly repeat?: number;
  /** Default: a third is 1, the rest 0. `null` names no label. */
  readonly label?: string | null;
  /** Column -> type and SQL; default one float64 `noise`. */
  readonly features?: Readonly<Record<string, readonly [ValueType, string]>>;
  /** Microseconds after 2026; default within 40 days from 90 days on. */
  readonly time?: string;
  /** Microseconds after 2026 of a feature row; default every 5 days from 60 to 90 days on, at any moment of the day. */
  readonly event?: string;
  /** Microseconds from event to created; default up to ten minutes. `null`: no such column. */
  readonly delay?: string | null;
  readonly createdMeans?: "arrival" | "load_time" | undefined;
  readonly history?: number;
  readonly ttl?: number | undefined;
  /** More columns of the entity rows, by name. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Which feature rows there are; default all. */
  readonly where?: string;
  readonly split?: string;
  readonly asOf?: AsOf;
  /** Entity rows as a query over `e`, the generated ones; default all. */
  readonly reshape?: string;
}

/** A random number from 0 to 1 that depends on `i`, on `k` and on what else is named. */
export function u(k: number, ...on: readonly string[]): string {
  return `(hash(${["i", String(k), "$seed", ...on].join(", ")}) % 1000003 / 1000003.0)`;
}

/** A standard normal number, by Box and Muller. */
export function normal(k: number, ...on: readonly string[]): string {
  return `(sqrt(-2 * ln(${u(k, ...on)} + 1e-9)) * cos(2 * pi() * ${u(k + 1000, ...on)}))`;
}

/** SQL of days in microseconds. */
export function days(count: number | string): string {
  return `(${count}) * ${DAY}`;
}

/** What the linter finds in a scene, whose files go to a folder. */
export async function lintScene(
  engine: OfflineEngine,
  folder: string,
  sketch: LintSketch,
  lint: Partial<LintRequest> = {},
): Promise<TrainingSetReport & { readonly findings: readonly LintFinding[] }> {
  const { rows = 300, repeat = 1, split, asOf = "bitemporal" } = sketch;
  const label = sketch.label === undefined ? `(${u(1)} < 0.33)::INTEGER` : sketch.label;
  const features = sketch.features ?? { noise: ["float64", normal(2, "d")] };
  const seeded = (sql: string) => sql.replaceAll("$seed", String(sketch.seed ?? 1));
  const at = (micros: string) => `TIMESTAMP '2026-01-01' + to_microseconds(CAST(${micros} AS BIGINT))`;
  const base = `SELECT i, ${label ?? "NULL"} AS y FROM range(${rows}) AS t(i)`;
  const extra = Object.entries(sketch.columns ?? {}).map(([name, sql]) => `, ${sql} AS ${name}`);
  const time = sketch.time ?? `${days(90)} + ${u(3)} * ${days(40)}`;
  const entities = `SELECT i, (i // ${repeat})::BIGINT AS customer_id, ${at(time)} AS event_timestamp, y AS label${extra.join("")} FROM (${base}) AS b`;
  const { reshape = "SELECT * FROM e" } = sketch;
  await writeParquet(
    engine,
    join(folder, "entities.parquet"),
    seeded(`WITH e AS (${entities}) SELECT * EXCLUDE (i) FROM (${reshape})`),
  );

  const event = sketch.event ?? `${days("60 + 5 * d")} + ${u(4, "d")} * ${days(1)}`;
  const delay = sketch.delay === undefined ? `${u(5, "d")} * 600000000` : sketch.delay;
  const values = Object.entries(features).map(([name, [, sql]]) => `, ${sql} AS ${name}`);
  const created = delay === null ? "" : `, ${at(`micros + ${delay}`)} AS created`;
  await writeParquet(
    engine,
    join(folder, "facts.parquet"),
    seeded(`SELECT (i // ${repeat})::BIGINT AS customer_id, ${at("micros")} AS event_timestamp${created}${values.join("")}
      FROM (SELECT *, CAST(${event} AS BIGINT) AS micros FROM (${base}) AS b CROSS JOIN range(${sketch.history ?? 7}) AS h(d)
      WHERE i % ${repeat} = 0) WHERE ${sketch.where ?? "true"}`),
  );
  const view = viewOf(sketch, features, delay !== null);
  const report = await buildTrainingSet({
    definitions: makeDefinitions(folder, [view]),
    features: refsOf(view),
    entities: join(folder, "entities.parquet"),
    out: join(folder, "train.parquet"),
    asOf,
    tenant: "default",
    engine,
    lint: {
      ...(label === null ? {} : { label: "label" }),
      ...(split === undefined ? {} : { splitColumn: split }),
      clock: { now: () => NOW },
      ...lint,
    },
  });
  if (report.findings === undefined) {
    throw new LarderError("INTERNAL", { what: "The linter was not run", remedy: "Look at the scene" });
  }
  return { ...report, findings: report.findings };
}

function viewOf(sketch: LintSketch, features: NonNullable<LintSketch["features"]>, hasCreated: boolean): FeatureView {
  const keyType: KeyType = "int64";
  return makeView({
    name: "facts",
    joinKeys: [{ name: "customer_id", type: keyType }],
    features: Object.fromEntries(Object.entries(features).map(([name, [type]]) => [name, type])),
    ttl: "ttl" in sketch ? sketch.ttl : 90 * DAY,
    source: hasCreated
      ? { createdTimestampColumn: "created", createdMeans: "createdMeans" in sketch ? sketch.createdMeans : "arrival" }
      : {},
  });
}
