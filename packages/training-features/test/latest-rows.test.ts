import { join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LatestRowsChunk, type LatestRowsRequest, type OfflineEngine, readLatestRows } from "../src/index.ts";
import { makeDefinitions, makeView, type ViewSketch } from "./support/make-definitions.ts";
import { testEngine, writeParquet } from "./support/parquet.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

const ALL = { start: -(2n ** 62n), end: 2n ** 62n };
const T0 = 1_767_225_600_000_000n; // 2026-01-01

/** Reads a view over files written by SQL. */
async function read(
  sketch: ViewSketch,
  files: Readonly<Record<string, string>>,
  request: Partial<LatestRowsRequest> = {},
): Promise<LatestRowsChunk[]> {
  await using folder = await temporaryFolder();
  for (const [name, select] of Object.entries(files)) await writeParquet(engine, join(folder.path, name), select);
  const view = makeView(sketch);
  const definitions = makeDefinitions(folder.path, [view], ["default", "acme"]);
  const chunks: LatestRowsChunk[] = [];
  for await (const chunk of readLatestRows({ definitions, view, tenant: "default", ...ALL, engine, ...request })) {
    chunks.push(chunk);
  }
  return chunks;
}

const stats: ViewSketch = {
  name: "stats",
  features: { v: "float64" },
  source: { createdTimestampColumn: "created", tombstoneColumn: "deleted" },
};

/** Rows as (key, event time in seconds after 2026, created, v, deleted). */
function rows(...values: string[]): string {
  return `SELECT k::BIGINT AS customer_id, make_timestamp(${T0} + (e * 1000000)::BIGINT) AS event_timestamp,
    make_timestamp(${T0} + (c * 1000000)::BIGINT) AS created, v::DOUBLE AS v, d::BOOLEAN AS deleted
    FROM (VALUES ${values.join(", ")}) t(k, e, c, v, d)`;
}

test("the latest event time wins, then created time, then the tombstone, then the greatest value", async () => {
  const file = rows(
    "(1, 5, 1, 50, false), (1, 3, 9, 30, false)",
    "(2, 5, 1, 1, false), (2, 5, 2, 2, false), (2, 5, NULL, 3, false)",
    "(3, 5, 1, 1, false), (3, 5, 1, NULL, true)",
    "(4, 5, 1, 1, false), (4, 5, 1, 7, false), (4, 5, 1, 2, NULL), (4, 5, 1, NULL, false)",
  );
  const [chunk] = await read(stats, { "stats.parquet": file });
  expect(chunk!.rows).toEqual([
    { customer_id: 1n, event_timestamp: T0 + 5_000_000n, created: T0 + 1_000_000n, deleted: false, v: 50 },
    { customer_id: 2n, event_timestamp: T0 + 5_000_000n, created: T0 + 2_000_000n, deleted: false, v: 2 },
    { customer_id: 3n, event_timestamp: T0 + 5_000_000n, created: T0 + 1_000_000n, deleted: true, v: null },
    { customer_id: 4n, event_timestamp: T0 + 5_000_000n, created: T0 + 1_000_000n, deleted: false, v: 7 },
  ]);
});

test("the window holds both its ends, to the microsecond, and created time does not filter", async () => {
  const file = rows(
    "(1, 9.999999, 0, 1, false), (2, 10, 99, 2, false), (3, 20, 99, 3, false), (4, 20.000001, 0, 4, false)",
  );
  const window = { start: T0 + 10_000_000n, end: T0 + 20_000_000n };
  const [chunk] = await read(stats, { "stats.parquet": file }, window);
  expect(chunk!.rows.map((row) => row["customer_id"])).toEqual([2n, 3n]);
});

test("late rows are those from before the window, but not before their bound, that were created after a time", async () => {
  const file = rows(
    "(1, 20, 0, 1, false), (2, 9, 50, 2, false), (2, 8, 99, 3, false), (3, 9, 50.000001, 4, false), (4, 9, NULL, 5, false)",
    "(5, 4.999999, 99, 6, false), (6, 5, 99, 7, false), (7, 20.000001, 99, 8, false), (NULL, 6, 99, 9, false), (NULL, 6, 50, 9, false)",
  );
  const at = (seconds: number) => T0 + BigInt(seconds * 1_000_000);
  const window = { start: at(10), end: at(20) };
  const readLate = async (createdAfter: bigint | undefined, start = window.start) => {
    const request = { ...window, start, late: { from: at(5), createdAfter } };
    const [chunk] = await read(stats, { "stats.parquet": file }, request);
    return [chunk!.rows.map((row) => row["v"]), chunk!.unusable.nullKeys];
  };
  expect(await readLate(at(50)), "the row of customer 2 that is not late is left out, though it is its latest").toEqual(
    [[1, 3, 4, 7], 1],
  );
  expect(await readLate(undefined), "all that have a created time").toEqual([[1, 2, 4, 7], 2]);
  expect(await readLate(at(50), at(20) + 1n), "nothing but late rows").toEqual([[3, 4, 7], 1]);
  const { source: _source, ...bare } = stats;
  const [none] = await read(
    { ...bare, source: {} },
    { "stats.parquet": file },
    { ...window, late: { from: at(5), createdAfter: 0n } },
  );
  expect(
    none!.rows.map((row) => row["v"]),
    "without a created column there are none",
  ).toEqual([1]);
});

test("a key's latest row inside the window counts, not one after it", async () => {
  const file = rows("(1, 5, 0, 1, false), (1, 15, 0, 2, false)");
  const [chunk] = await read(stats, { "stats.parquet": file }, { start: T0, end: T0 + 10_000_000n });
  expect(chunk!.rows.map((row) => row["v"])).toEqual([1]);
});

test("every type comes out in the form that the decoder takes, exactly", async () => {
  const sketch: ViewSketch = {
    name: "types",
    joinKeys: [
      { name: "id", type: "int64" },
      { name: "text", type: "string" },
      { name: "raw", type: "bytes" },
      { name: "moment", type: "unix_timestamp" },
      { name: "small", type: "int32" },
    ],
    features: {
      i32: "int32",
      i64: "int64",
      f32: "float32",
      f64: "float64",
      flag: "bool",
      name: "string",
      blob: "bytes",
      at: "unix_timestamp",
      nan: "float64",
      longs: "list<int64>",
      names: "list<string>",
      blobs: "list<bytes>",
      times: "list<unix_timestamp>",
      empty: "list<float32>",
      nothing: "list<bool>",
    },
  };
  const file = `SELECT 9007199254740993::BIGINT AS id, chr(65279) || 'ü' || chr(0) || '🥫' AS text, '\\x00\\xFF'::BLOB AS raw,
    TIMESTAMP '1969-12-31 23:59:59' AS moment, -5::SMALLINT AS small, TIMESTAMP_NS '2026-01-01 00:00:00.000001' AS event_timestamp,
    7::TINYINT AS i32, (-9223372036854775807 - 1)::BIGINT AS i64, 0.1::DOUBLE AS f32, 0.1::DOUBLE AS f64, true AS flag,
    chr(65279) || 'bom' AS name, '\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x09\\x0A\\x0B\\x0C\\x0D'::BLOB AS blob,
    TIMESTAMPTZ '2026-01-01 00:00:00+02' AS at, 'nan'::FLOAT AS nan, [1, 9007199254740993]::BIGINT[] AS longs,
    [chr(65279), '', 'a'] AS names, ['\\x01'::BLOB, ''::BLOB] AS blobs, [TIMESTAMP '2026-01-01'] AS times, []::FLOAT[] AS empty,
    NULL::BOOLEAN[] AS nothing`;
  const [chunk] = await read(sketch, { "types.parquet": file });
  const [row] = chunk!.rows;
  const blob = Uint8Array.from({ length: 14 }, (_, i) => i);
  expect(row).toEqual({
    id: 9007199254740993n,
    text: "\uFEFFü\0🥫",
    raw: Uint8Array.of(0, 255),
    moment: -1n,
    small: -5n,
    event_timestamp: T0 + 1n,
    i32: 7,
    i64: -(2n ** 63n),
    f32: Math.fround(0.1),
    f64: 0.1,
    flag: true,
    name: "\uFEFFbom",
    blob,
    at: 1_767_218_400n,
    nan: Number.NaN,
    longs: [1n, 9007199254740993n],
    names: ["\uFEFF", "", "a"],
    blobs: [Uint8Array.of(1), new Uint8Array()],
    times: [1_767_225_600n],
    empty: [],
    nothing: null,
  });
  expect(makeView(sketch).rowDecoder.decode(row!, "row 0")).toMatchObject({
    ok: true,
    row: { entityKey: [9007199254740993n, "\uFEFFü\0🥫", Uint8Array.of(0, 255), -1n, -5], eventTime: Number(T0) + 1 },
  });
});

test("rows without key or time are counted and listed, and keep nobody's place", async () => {
  const file = rows(
    "(NULL, 5, 0, 1, false), (1, 5, 0, 2, false), (2, NULL, 0, 3, false), (NULL, NULL, 0, 4, false), (NULL, 500, 0, 5, false)",
  );
  const [chunk] = await read(stats, { "stats.parquet": file }, { start: T0, end: T0 + 10_000_000n });
  expect(chunk!.rows).toHaveLength(1);
  expect(chunk!.unusable).toMatchObject({ nullKeys: 1, nullTimes: 2 });
  expect(chunk!.unusable.examples.map(({ row, lacks }) => [row, lacks])).toEqual([
    [0, "join key"],
    [2, "event time"],
    [3, "event time"],
  ]);
});

test("chunks have the asked size and count themselves; a token continues exactly after its chunk", async () => {
  const file =
    `SELECT hash(i)::BIGINT % 1000000 AS a, i::VARCHAR AS b, TIMESTAMP '2026-01-01' AS event_timestamp, i::DOUBLE AS v FROM range(7001) t(i)`.replace(
      "hash(i)::BIGINT",
      "(hash(i) % 9000000000000000)::BIGINT",
    );
  const sketch: ViewSketch = {
    name: "wide",
    joinKeys: [
      { name: "a", type: "int64" },
      { name: "b", type: "string" },
    ],
    features: { v: "float64" },
  };
  const whole = await read(sketch, { "wide.parquet": file }, { chunkRows: 3000 });
  expect(whole.map(({ rows, done, total }) => [rows.length, done, total])).toEqual([
    [3000, 3000, 7001],
    [3000, 6000, 7001],
    [1001, 7001, 7001],
  ]);
  const rest = await read(sketch, { "wide.parquet": file }, { chunkRows: 5000, after: whole[0]!.after });
  expect(rest.map(({ rows, done, total }) => [rows.length, done, total])).toEqual([[4001, 7001, 7001]]);
  expect([...whole[0]!.rows, ...rest[0]!.rows]).toEqual(whole.flatMap((chunk) => chunk.rows));
  const end = await read(sketch, { "wide.parquet": file }, { after: whole[2]!.after });
  expect(end).toMatchObject([{ rows: [], done: 7001, total: 7001, after: whole[2]!.after }]);
});

test("tokens order text by code points and bytes by bytes", async () => {
  const sketch = (type: "string" | "bytes"): ViewSketch => ({
    name: "keys",
    joinKeys: [{ name: "k", type }],
    features: { v: "float64" },
  });
  const text = `SELECT unnest(['é', 'e' || chr(769), 'Z', 'a', '', 'a' || chr(0), '🥫', '｡', 'it''s']) AS k, TIMESTAMP '2026-01-01' AS event_timestamp, 1.0::DOUBLE AS v`;
  for (const [type, file] of [
    ["string", text],
    ["bytes", `SELECT encode(k) AS k, * EXCLUDE k FROM (${text})`],
  ] as const) {
    const whole = await read(sketch(type), { "keys.parquet": file }, { chunkRows: 1 });
    expect(whole).toHaveLength(9);
    const texts = whole.map((chunk) => Buffer.from(chunk.rows[0]!["k"] as string));
    expect(texts).toEqual([...texts].sort(Buffer.compare));
    for (const [i, chunk] of whole.entries()) {
      const rest = await read(sketch(type), { "keys.parquet": file }, { after: chunk.after });
      expect(rest[0]!.rows).toEqual(whole.slice(i + 1).flatMap(({ rows }) => rows));
    }
  }
});

test("an empty window yields one empty chunk", async () => {
  const chunks = await read(stats, { "stats.parquet": rows("(1, 5, 0, 1, false)") }, { start: 0n, end: 1n });
  expect(chunks).toEqual([
    { rows: [], after: undefined, done: 0, total: 0, unusable: { nullKeys: 0, nullTimes: 0, examples: [] } },
  ]);
});

test("a view without join keys has one latest row", async () => {
  const sketch: ViewSketch = { name: "global", joinKeys: [], features: { v: "float64" } };
  const file = "SELECT i::DOUBLE AS v, TIMESTAMP '2026-01-01' + to_seconds(i) AS event_timestamp FROM range(10) t(i)";
  const [chunk] = await read(sketch, { "global.parquet": file });
  expect(chunk).toMatchObject({ rows: [{ v: 9, event_timestamp: T0 + 9_000_000n }], total: 1, after: "[]" });
  expect(await read(sketch, { "global.parquet": file }, { after: "[]" })).toMatchObject([
    { rows: [], done: 1, total: 1 },
  ]);
});

test("mapped columns come under the view's names", async () => {
  const sketch: ViewSketch = {
    name: "mapped",
    features: { v: "float64", a: "int64", b: "int64" },
    source: {
      timestampField: "event_timestamp",
      fieldMapping: new Map([
        ["cust", "customer_id"],
        ["ts", "event_timestamp"],
        ["raw v", "v"],
        ["a", "b"],
        ["b", "a"],
      ]),
    },
  };
  const file = `SELECT 1::BIGINT AS cust, TIMESTAMP '2026-01-01' AS ts, 2.0::DOUBLE AS "raw v", 10::BIGINT AS a, 20::BIGINT AS b`;
  const [chunk] = await read(sketch, { "mapped.parquet": file });
  const decoded = makeView(sketch).rowDecoder.decode(chunk!.rows[0]!, "row 0");
  expect(decoded).toMatchObject({ ok: true, row: { entityKey: [1n], values: [2, 20n, 10n] } });
  expect(chunk!.rows[0]).toMatchObject({ customer_id: 1n, v: 2 });
});

test.each(["", "x", "[]", '["1"]', '["1","2","3"]', '[1,"x"]', '["1; DROP","x"]'])(
  "%s is no token of a view with two keys",
  async (after) => {
    const sketch: ViewSketch = {
      name: "two",
      joinKeys: [
        { name: "a", type: "int64" },
        { name: "b", type: "string" },
      ],
      features: { v: "float64" },
    };
    const file = "SELECT 1::BIGINT AS a, 'x' AS b, TIMESTAMP '2026-01-01' AS event_timestamp, 1.0::DOUBLE AS v";
    await expect(read(sketch, { "two.parquet": file }, { after })).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  },
);

test("leaving the loop early leaves the session usable and without tables", async () => {
  await using folder = await temporaryFolder();
  await writeParquet(
    engine,
    join(folder.path, "stats.parquet"),
    "SELECT i AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp, NULL::TIMESTAMP AS created, 1.0::DOUBLE AS v, false AS deleted FROM range(20000) t(i)",
  );
  const view = makeView(stats);
  const definitions = makeDefinitions(folder.path, [view]);
  for await (const chunk of readLatestRows({ definitions, view, tenant: "default", ...ALL, engine, chunkRows: 10 })) {
    expect(chunk.rows).toHaveLength(10);
    break;
  }
  expect(await engine.rows("SELECT table_name FROM duckdb_tables()", { subject: { kind: "plan" } })).toEqual([]);
});
