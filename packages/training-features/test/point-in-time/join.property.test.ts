import { join } from "node:path";
import type { FeatureView, JoinKey } from "@larder/schema";
import { propertySettings, temporaryFolder } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AsOf, buildTrainingSet, type OfflineEngine, readLatestRows } from "../../src/index.ts";
import { makeDefinitions, makeView, refsOf } from "../support/make-definitions.ts";
import { parquetRows, testEngine, writeParquet } from "../support/parquet.ts";
import {
  type Cell,
  compareLists,
  compareRows,
  type ReferenceEntity,
  type ReferenceRow,
  referenceJoin,
} from "./reference-join.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

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
const history = fc.record({
  // DuckDB takes another plan for fewer than 64 entity rows.
  entities: fc.oneof(fc.array(entityRow, { maxLength: 20 }), fc.array(entityRow, { minLength: 64, maxLength: 100 })),
  entityNotation: fc.constantFrom("naive" as const, "zoned" as const, "nanos" as const),
  views: fc.array(viewCase, { minLength: 1, maxLength: 2 }),
});
type ViewCase = typeof viewCase extends fc.Arbitrary<infer T> ? T : never;
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

const T0 = 1_767_225_600_000_000n;

test("any history joins as the plain loops say, by both rules, and its latest rows are theirs", async () => {
  await fc.assert(
    fc.asyncProperty(history, async (history) => {
      await using folder = await temporaryFolder();
      const { entities, views, step } = await writeHistory(folder.path, history);
      for (const asOf of ["event_time", "bitemporal"] as const) {
        const { rows, matched } = await train(folder.path, views, asOf);
        expect(rows.map(({ row_no }) => row_no)).toEqual(entities.map((_, i) => BigInt(i)));
        for (const [i, { view, asked, join }] of views.entries()) {
          const winners = join(entities, asOf);
          for (const feature of asked) {
            const { index } = view.featureByName.get(feature)!;
            const expected = winners.map((winner) =>
              winner === undefined || winner.deleted ? null : winner.values[index],
            );
            expect(rows.map((row) => row[`${view.name}__${feature}`])).toEqual(expected);
          }
          const found = (rule: AsOf) => join(entities, rule).filter((winner) => winner !== undefined).length;
          const bitemporal = view.source?.createdMeans === "arrival" ? found("bitemporal") : null;
          expect(matched[i]).toEqual({ event_time: found("event_time"), bitemporal });
        }
      }
      for (const { view, rows } of views) {
        const window = { start: T0, end: T0 + 8n * step };
        expect(await latest(folder.path, view, window)).toEqual(referenceLatest(view, rows, window));
      }
    }),
    { ...propertySettings(12), endOnFailure: true },
  );
});

/** A view in its files, its rows, and the plain answer. */
interface WrittenView {
  readonly view: FeatureView;
  readonly rows: readonly ReferenceRow[];
  readonly asked: readonly string[];
  join(entities: readonly ReferenceEntity[], rule: AsOf): (ReferenceRow | undefined)[];
}

interface Window {
  readonly start: bigint;
  readonly end: bigint;
}

async function writeHistory(folder: string, { entities, entityNotation, views }: History) {
  // All columns of one join must tell the same moments apart, or rows meant to be apart would meet.
  const step = BigInt(Math.max(...views.map(({ notation }) => NOTATIONS[notation].step)));
  const micros = (moment: number | null): bigint | null => (moment === null ? null : T0 + BigInt(moment) * step);
  const wanted: ReferenceEntity[] = entities.map(({ keys, at }) => ({ keys, at: micros(at) }));
  await writeParquet(engine, join(folder, "entities.parquet"), entitiesSql(wanted, NOTATIONS[entityNotation].cast));
  const written: WrittenView[] = [];
  for (const [i, view] of views.entries()) written.push(await writeView(folder, view, i, micros, step));
  return { entities: wanted, views: written, step };
}

/** Writes a view's rows over its files, in the order of the case. */
async function writeView(
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

async function train(folder: string, views: readonly WrittenView[], asOf: AsOf) {
  const definitions = makeDefinitions(
    folder,
    views.map(({ view }) => view),
  );
  const { out, manifest } = await buildTrainingSet({
    definitions,
    features: views.flatMap(({ view, asked }) => refsOf(view, { features: asked })),
    fullFeatureNames: true,
    entities: join(folder, "entities.parquet"),
    out: join(folder, `${asOf}.parquet`),
    asOf,
    tenant: "default",
    engine,
  });
  return { rows: await parquetRows(engine, out), matched: manifest.views.map(({ matched }) => matched) };
}

async function latest(folder: string, view: FeatureView, window: Window): Promise<unknown[]> {
  const names = [...view.joinKeys.map(({ name }) => name), "event_timestamp", "f", "n", "s"];
  const found: unknown[] = [];
  const definitions = makeDefinitions(folder, [view]);
  const chunks = readLatestRows({ definitions, view, tenant: "default", ...window, engine, chunkRows: 7 });
  for await (const { rows } of chunks) found.push(...rows.map((row) => names.map((name) => row[name])));
  return found;
}

/** The latest rows in the order of their keys. */
function referenceLatest(view: FeatureView, rows: readonly ReferenceRow[], { start, end }: Window): unknown[] {
  const hasCreated = view.source?.createdTimestampColumn !== undefined;
  const winners = new Map<string, ReferenceRow>();
  for (const row of rows) {
    if (row.event === null || row.event < start || row.event > end || row.keys.includes(null)) continue;
    const key = JSON.stringify(row.keys.map(String));
    const other = winners.get(key);
    if (other === undefined || compareRows(row, other, hasCreated) > 0) winners.set(key, row);
  }
  return [...winners.values()]
    .sort((a, b) => compareLists(a.keys, b.keys))
    .map((row) => [...row.keys, row.event, ...row.values]);
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
