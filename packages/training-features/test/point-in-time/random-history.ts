import { join } from "node:path";
import type { FeatureView, JoinKey } from "@larder/schema";
import fc from "fast-check";
import type { AsOf, OfflineEngine } from "../../src/index.ts";
import { makeView } from "../support/make-definitions.ts";
import { writeParquet } from "../support/parquet.ts";
import { type Cell, type ReferenceEntity, type ReferenceRow, referenceJoin } from "./reference-join.ts";

/** Key columns of the entity rows: a view takes the first `n`. */
const KEYS: readonly JoinKey[] = [
  { name: "id", type: "int64" },
  { name: "text", type: "string" },
];
const IDS = [2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n, 0n, null];
const TEXTS = ["", "a", "A", "é", "e\u0301", "a\0", "🥫", null];

/** Notations of a time column, and the microseconds that they can tell apart. */
const NOTATIONS = {
  naive: { cast: "::TIMESTAMP", step: 1 },
  zoned: { cast: "::TIMESTAMPTZ", step: 1 },
  nanos: { cast: "::TIMESTAMP_NS", step: 1 },
  millis: { cast: "::TIMESTAMP_MS", step: 1000 },
  seconds: { cast: "::TIMESTAMP_S", step: 1_000_000 },
} as const;

const keysOf = fc.tuple(fc.constantFrom(...IDS.slice(0, 4), ...IDS), fc.constantFrom("a", "a", ...TEXTS));
const moment = fc.option(fc.integer({ min: 0, max: 12 }), { freq: 20 });
const row = fc.record({
  keys: keysOf,
  event: moment,
  created: moment,
  deleted: fc.constantFrom(false, false, false, true, null),
  f: fc.constantFrom(null, 0, -1.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY),
  n: fc.constantFrom(null, 0n, 1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n)),
  s: fc.constantFrom(null, "", "x", "\u{fe4d}", "🥫"),
});
const viewCase = fc.record({
  rows: fc.array(row, { maxLength: 80 }),
  keyCount: fc.constantFrom(0, 1, 1, 1, 2),
  ttl: fc.constantFrom(undefined, 1, 2, 5),
  created: fc.constantFrom("arrival", "load_time", undefined),
  tombstones: fc.boolean(),
  notation: fc.constantFrom(...(Object.keys(NOTATIONS) as (keyof typeof NOTATIONS)[])),
  files: fc.integer({ min: 1, max: 3 }),
  asked: fc.constantFrom(["f"], ["s", "n"], ["f", "n", "s"]),
});
const entityRow = fc.record({ keys: keysOf, at: moment });
/** Entity rows and views' rows with ties, late arrivals, tombstones, nulls, hostile keys and all notations of time. */
export const history = fc.record({
  // DuckDB takes another plan for fewer than 64 entity rows.
  entities: fc.oneof(fc.array(entityRow, { maxLength: 20 }), fc.array(entityRow, { minLength: 64, maxLength: 100 })),
  entityNotation: fc.constantFrom("naive" as const, "zoned" as const, "nanos" as const),
  views: fc.array(viewCase, { minLength: 1, maxLength: 2 }),
});
type ViewCase = typeof viewCase extends fc.Arbitrary<infer T> ? T : never;
export type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

/** The moment from which on everything happens, in microseconds. */
export const T0 = 1_767_225_600_000_000n;

/** A view in its files, its rows, and the plain answer. */
export interface WrittenView {
  readonly view: FeatureView;
  readonly rows: readonly ReferenceRow[];
  readonly asked: readonly string[];
  join(entities: readonly ReferenceEntity[], rule: AsOf): (ReferenceRow | undefined)[];
}

/** Writes a history's files into a folder. */
export async function writeHistory(
  engine: OfflineEngine,
  folder: string,
  { entities, entityNotation, views }: History,
) {
  // All columns of one join must tell the same moments apart, or rows meant to be apart would meet.
  const step = BigInt(Math.max(...views.map(({ notation }) => NOTATIONS[notation].step)));
  const micros = (moment: number | null): bigint | null => (moment === null ? null : T0 + BigInt(moment) * step);
  const wanted: ReferenceEntity[] = entities.map(({ keys, at }) => ({ keys, at: micros(at) }));
  await writeParquet(engine, join(folder, "entities.parquet"), entitiesSql(wanted, NOTATIONS[entityNotation].cast));
  const written: WrittenView[] = [];
  for (const [i, view] of views.entries()) written.push(await writeView(engine, folder, view, i, micros, step));
  return { entities: wanted, views: written, step };
}

/** Writes a view's rows over its files, in the order of the case. */
async function writeView(
  engine: OfflineEngine,
  folder: string,
  sketch: ViewCase,
  index: number,
  micros: (moment: number | null) => bigint | null,
  step: bigint,
): Promise<WrittenView> {
  const name = `view${index}`;
  const keys = KEYS.slice(0, sketch.keyCount);
  const rows: ReferenceRow[] = sketch.rows.map(({ keys, event, created, deleted, f, n, s }) => ({
    keys: keys.slice(0, sketch.keyCount),
    event: micros(event),
    created: micros(created),
    deleted: sketch.tombstones && deleted,
    values: [f, n, s],
  }));
  const { cast } = NOTATIONS[sketch.notation];
  for (let file = 0; file < sketch.files; file++) {
    const part = rows.filter((_, i) => i % sketch.files === file);
    await writeParquet(engine, join(folder, `${name}-${file}.parquet`), rowsSql(keys, part, cast));
  }
  const ttl = sketch.ttl === undefined ? undefined : BigInt(sketch.ttl) * step;
  const hasCreated = sketch.created !== undefined;
  const view = makeView({
    name,
    joinKeys: keys,
    features: { f: "float64", n: "int64", s: "string" },
    ttl: ttl === undefined ? undefined : Number(ttl),
    source: {
      path: `${name}-*.parquet`,
      createdTimestampColumn: hasCreated ? "created" : undefined,
      createdMeans: sketch.created,
      tombstoneColumn: sketch.tombstones ? "deleted" : undefined,
    },
  });
  return {
    view,
    rows,
    asked: sketch.asked,
    join: (entities, rule) => {
      const bitemporal = rule === "bitemporal" && sketch.created === "arrival";
      return referenceJoin(entities, { rows, ttl, hasCreated, bitemporal });
    },
  };
}

function entitiesSql(entities: readonly ReferenceEntity[], cast: string): string {
  const rows = entities.map(({ keys, at }, i) => `(${i}, ${cell(keys[0]!)}, ${cell(keys[1]!)}, ${cell(at)})`);
  return `SELECT row_no::BIGINT AS row_no, id::BIGINT AS id, "text"::VARCHAR AS "text", make_timestamp(moment::BIGINT)${cast} AS event_timestamp
    FROM (VALUES ${[...rows, "(-1, NULL, NULL, NULL)"].join(", ")}) t(row_no, id, "text", moment) WHERE row_no >= 0`;
}

function rowsSql(keys: readonly JoinKey[], rows: readonly ReferenceRow[], cast: string): string {
  const types = [
    ...keys.map(({ type }) => (type === "string" ? "VARCHAR" : "BIGINT")),
    "BIGINT",
    "BIGINT",
    "BOOLEAN",
    "DOUBLE",
    "BIGINT",
    "VARCHAR",
  ];
  const values = rows.map(
    (row) =>
      `(true, ${[...row.keys, row.event, row.created, row.deleted, ...row.values].map((value, i) => `${cell(value)}::${types[i]}`).join(", ")})`,
  );
  const none = `(false, ${types.map((type) => `NULL::${type}`).join(", ")})`;
  const names = [...keys.map(({ name }) => `"${name}"`), "event", "created", "deleted", "f", "n", "s"];
  return `SELECT ${names
    .slice(0, keys.length)
    .map((name) => `${name}, `)
    .join(
      "",
    )}make_timestamp(event)${cast} AS event_timestamp, make_timestamp(created)${cast} AS created, deleted, f, n, s
    FROM (VALUES ${[...values, none].join(", ")}) t(real, ${names.join(", ")}) WHERE real`;
}

function cell(value: Cell | boolean): string {
  if (value === null) return "NULL";
  if (typeof value === "string")
    return `(${value
      .split("\0")
      .map((part) => `'${part}'`)
      .join(" || chr(0) || ")})`;
  if (typeof value === "number") return Object.is(value, -0) ? "'-0.0'" : `'${value}'`;
  return `'${value}'`;
}
