import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fingerprintSource, type OfflineEngine, readLatestRows } from "../../src/index.ts";
import { makeDefinitions, makeView, type ViewSketch } from "../support/make-definitions.ts";
import { testEngine, writeParquet } from "../support/parquet.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

const row = (key: number, v = "1.0::DOUBLE") =>
  `SELECT ${key}::BIGINT AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp, ${v} AS v`;

/** The customers that a view over these files has, for a tenant. */
async function customers(
  folder: string,
  path: string,
  files: Readonly<Record<string, string>>,
  options: { readonly tenant?: string; readonly sketch?: Partial<ViewSketch> } = {},
): Promise<unknown[]> {
  for (const [name, select] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    await writeParquet(engine, join(folder, name), select);
  }
  const { tenant = "default", sketch } = options;
  const view = makeView({ name: "stats", features: { v: "float64" }, ...sketch, source: { path, ...sketch?.source } });
  const definitions = makeDefinitions(folder, [view], ["default", "acme", "*", "..", "a/b", "a\0b", "a"]);
  const window = { start: -(2n ** 62n), end: 2n ** 62n };
  const found: unknown[] = [];
  for await (const chunk of readLatestRows({ definitions, view, tenant, ...window, engine })) {
    found.push(...chunk.rows.map((record) => record["customer_id"]));
  }
  return found;
}

test.each([
  ["a file", "stats.parquet", { "stats.parquet": row(1), "other.parquet": row(2) }, [1n]],
  [
    "a glob",
    "stats/*.parquet",
    { "stats/a.parquet": row(1), "stats/b.parquet": row(2), "stats/deep/c.parquet": row(3) },
    [1n, 2n],
  ],
  ["a deep glob", "stats/**/*.parquet", { "stats/a.parquet": row(1), "stats/deep/c.parquet": row(3) }, [1n, 3n]],
  [
    "a glob of folders",
    "year=*/part.parquet",
    { "year=2025/part.parquet": row(1), "year=2026/part.parquet": row(2) },
    [1n, 2n],
  ],
  ["choices", "{a,b}.parquet", { "a.parquet": row(1), "b.parquet": row(2), "c.parquet": row(3) }, [1n, 2n]],
  [
    "a folder, without what writers hide",
    "stats",
    {
      "stats/a.parquet": row(1),
      "stats/x=1/b.parquet": row(2),
      "stats/_temporary/c.parquet": row(3),
      "stats/.d.parquet": row(4),
    },
    [1n, 2n],
  ],
  ["a name that looks like a pattern", "a[1]*.parquet", { "a[1]*.parquet": row(1), "a1x.parquet": row(2) }, [1n]],
  ["quotes and spaces", 'it\'s "here" ü.parquet', { 'it\'s "here" ü.parquet': row(1) }, [1n]],
])("a source is %s", async (_, path, files, expected) => {
  await using folder = await temporaryFolder();
  expect(await customers(folder.path, path, files)).toEqual(expected);
});

test("the folder of the offline store may have any characters", async () => {
  await using folder = await temporaryFolder();
  const odd = join(folder.path, "a [b] {c} *d? (e)");
  mkdirSync(odd);
  expect(await customers(odd, "s*.parquet", { "stats.parquet": row(1) })).toEqual([1n]);
});

test("links are followed", async () => {
  await using folder = await temporaryFolder();
  await customers(folder.path, "real.parquet", { "real.parquet": row(1) });
  mkdirSync(join(folder.path, "stats"));
  symlinkSync(join(folder.path, "real.parquet"), join(folder.path, "stats", "link.parquet"));
  expect(await customers(folder.path, "stats", {})).toEqual([1n]);
  expect(await customers(folder.path, "stats/*.parquet", {})).toEqual([1n]);
});

test.each(["stats.parquet", "stats/*.parquet", "nowhere", "{tenant}/stats.parquet"])(
  "no file at %s: the view and the path are named",
  async (path) => {
    await using folder = await temporaryFolder();
    const run = customers(folder.path, path, {});
    await expect(run).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND", facts: { view: "stats" } });
    await expect(run).rejects.toThrow(join(folder.path, path.replace("{tenant}", "default")));
  },
);

test("a view without source, and another store than S3, are refused by name", async () => {
  await using folder = await temporaryFolder();
  const view = { ...makeView({ name: "pushed", features: { v: "float64" } }), source: undefined };
  const definitions = makeDefinitions(folder.path, [view]);
  const first = readLatestRows({ definitions, view, tenant: "default", start: 0n, end: 1n, engine })[
    Symbol.asyncIterator
  ]();
  await expect(first.next()).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND", facts: { view: "pushed" } });
  await expect(customers(folder.path, "gs://bucket/x.parquet", {})).rejects.toMatchObject({ code: "UNSUPPORTED" });
});

test("a source serves the default tenant only, unless it says whose its rows are", async () => {
  await using folder = await temporaryFolder();
  const run = customers(folder.path, "stats.parquet", { "stats.parquet": row(1) }, { tenant: "acme" });
  await expect(run).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND", facts: { view: "stats", tenant: "acme" } });
});

test("{tenant} in a path is the tenant's name, encoded so that no name reaches another's files", async () => {
  await using folder = await temporaryFolder();
  const files = {
    "t/acme/stats.parquet": row(1),
    "t/%2A/stats.parquet": row(2),
    "t/%2E%2E/stats.parquet": row(3),
    "t/a%2Fb/stats.parquet": row(4),
    "t/a/b/stats.parquet": row(5),
    "stats.parquet": row(6),
  };
  const path = "t/{tenant}/stats.parquet";
  expect(await customers(folder.path, path, files, { tenant: "acme" })).toEqual([1n]);
  expect(await customers(folder.path, path, {}, { tenant: "*" })).toEqual([2n]);
  expect(await customers(folder.path, path, {}, { tenant: ".." })).toEqual([3n]);
  expect(await customers(folder.path, path, {}, { tenant: "a/b" })).toEqual([4n]);
  await expect(customers(folder.path, path, {}, { tenant: "default" })).rejects.toMatchObject({
    code: "SOURCE_NOT_FOUND",
  });
});

test("a tenant column keeps tenants apart, also by what a text literal could not hold; a null is nobody's", async () => {
  await using folder = await temporaryFolder();
  const file = ["'acme'", "'a'", "'a' || chr(0) || 'b'", "'A'", "NULL", "'default'", "''"]
    .map((tenant, i) => `${row(i + 1)}, ${tenant}::VARCHAR AS tenant`)
    .join(" UNION ALL ");
  const sketch = { source: { tenantColumn: "tenant" } };
  const found = (tenant: string) =>
    customers(folder.path, "stats.parquet", { "stats.parquet": file }, { tenant, sketch });
  expect(await found("acme")).toEqual([1n]);
  expect(await found("a")).toEqual([2n]);
  expect(await found("a\0b")).toEqual([3n]);
  expect(await found("default")).toEqual([6n]);
  expect(await found("*")).toEqual([]);
});

test("files may differ in types that hold the same values, and each is read by its own", async () => {
  await using folder = await temporaryFolder();
  const sketch: Partial<ViewSketch> = { features: { v: "int64" } };
  const files = {
    "s/a.parquet":
      "SELECT 1::INTEGER AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp, 9007199254740993::BIGINT AS v",
    "s/b.parquet":
      "SELECT 2::BIGINT AS customer_id, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS event_timestamp, 2.0::DOUBLE AS v",
    "s/c.parquet":
      "SELECT 7 AS more, 3::SMALLINT AS v, TIMESTAMP_NS '2026-01-01' AS event_timestamp, 3::UTINYINT AS customer_id",
  };
  expect(await customers(folder.path, "s", files, { sketch })).toEqual([1n, 2n, 3n]);
});

test.each([
  [
    "a missing column",
    "SELECT 1::BIGINT AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp",
    "v",
    /"v" is missing.*customer_id, event_timestamp/,
  ],
  ["a column in other case", row(1).replace("AS v", 'AS "V"'), "v", /"v" is missing/],
  ["text for a number", row(1, "'1.0'"), "v", /"v" is VARCHAR, and a feature of type float64 takes numbers/],
  ["a time for a number", row(1, "TIMESTAMP '2026-01-01'"), "v", /is TIMESTAMP/],
  ["a date as event time", row(1).replace("TIMESTAMP '2026-01-01'", "DATE '2026-01-01'"), "event_timestamp", /is DATE/],
  ["a number as event time", row(1).replace("TIMESTAMP '2026-01-01'", "1::BIGINT"), "event_timestamp", /is BIGINT/],
  ["text for an int64 key", row(1).replace("1::BIGINT", "'1'"), "customer_id", /is VARCHAR/],
  ["a struct", row(1, "{'a': 1}"), "v", /is STRUCT/],
])("%s is refused, with file, column, expected and found", async (_, file, column, message) => {
  await using folder = await temporaryFolder();
  const run = customers(folder.path, "s/*.parquet", { "s/a.parquet": row(9), "s/b.parquet": file });
  await expect(run).rejects.toMatchObject({
    code: "SOURCE_MISMATCH",
    facts: { view: "stats", file: join(folder.path, "s/b.parquet"), column },
  });
  await expect(run).rejects.toThrow(message);
});

test("all columns that do not fit are told at once", async () => {
  await using folder = await temporaryFolder();
  const sketch: Partial<ViewSketch> = {
    features: { v: "string", w: "bool" },
    source: { createdTimestampColumn: "created", tombstoneColumn: "v", tenantColumn: "customer_id" },
  };
  const run = customers(folder.path, "stats.parquet", { "stats.parquet": row(1) }, { sketch });
  const error = await run.catch((error: unknown) => error);
  expect(error).toMatchObject({
    problems: ["created", "v", "customer_id", "v", "w"].map((field) => ({ field })),
  });
});

test.each([
  ["int64", "1.5::DOUBLE", "1.5 is not an int64"],
  ["int64", "9223372036854775808::DOUBLE", "is not an int64"],
  ["int64", "'nan'::DOUBLE", "nan is not an int64"],
  ["int64", "18446744073709551615::UBIGINT", "is not an int64"],
  ["int64", "1.5::DECIMAL(10,2)", "is not an int64"],
  ["int32", "2147483648::BIGINT", "2147483648 is not an int32"],
  ["float32", "1e39::DOUBLE", "is not a float32"],
  ["float32", "3.4028235677973366e38::DOUBLE", "is not a float32"],
  ["unix_timestamp", "TIMESTAMP '2026-01-01 00:00:00.5'", "is not a whole second"],
  ["unix_timestamp", "TIMESTAMP_NS '2026-01-01 00:00:00.000000001'", "is not a whole second"],
  ["list<int64>", "[1.0, 1.5]::DOUBLE[]", "is no list of int64 without nulls"],
  ["list<string>", "['a', NULL]", "is no list of string without nulls"],
  ["list<unix_timestamp>", "[TIMESTAMP '2026-01-01 00:00:00.5']", "is no list of unix_timestamp"],
] as const)("a value that is no %s is refused: %s", async (type, value, message) => {
  await using folder = await temporaryFolder();
  const sketch: Partial<ViewSketch> = { features: { v: type } };
  const fine = `SELECT ${2}::BIGINT AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp, NULL AS v`;
  const file = `SELECT * FROM (${fine} UNION ALL ${row(1, value)})`;
  const run = customers(folder.path, "stats.parquet", { "stats.parquet": file }, { sketch });
  await expect(run).rejects.toMatchObject({ code: "SOURCE_MISMATCH", facts: { column: "v", row: 1 } });
  await expect(run).rejects.toThrow(message);
});

test.each([
  ["int64", "2.0::DOUBLE"],
  ["int64", "9223372036854774784::DOUBLE"],
  ["int64", "-9223372036854775808::DOUBLE"],
  ["int32", "-2147483648::DECIMAL(38,0)"],
  ["float32", "'inf'::DOUBLE"],
  ["float32", "'nan'::DOUBLE"],
  ["float32", "0.1::DECIMAL(10,2)"],
  ["float64", "9007199254740993::BIGINT"],
  ["unix_timestamp", "TIMESTAMP '1969-12-31 23:59:59'"],
  ["list<float32>", "[0.1, 'nan'::DOUBLE]"],
  ["list<int64>", "[]::INTEGER[]"],
  ["bool", "NULL::BOOLEAN"],
] as const)("a value that is one %s is taken: %s", async (type, value) => {
  await using folder = await temporaryFolder();
  const sketch: Partial<ViewSketch> = { features: { v: type } };
  expect(await customers(folder.path, "stats.parquet", { "stats.parquet": row(1, value) }, { sketch })).toEqual([1n]);
});

test("a time finer than a microsecond is refused, not cut off", async () => {
  await using folder = await temporaryFolder();
  const file = row(1).replace("TIMESTAMP '2026-01-01'", "TIMESTAMP_NS '2026-01-01 00:00:00.000000001'");
  const run = customers(folder.path, "stats.parquet", { "stats.parquet": file });
  await expect(run).rejects.toMatchObject({ code: "SOURCE_MISMATCH", facts: { column: "event_timestamp" } });
  await expect(run).rejects.toThrow("finer than a microsecond");
});

test("columns that differ in case only are refused", async () => {
  await using folder = await temporaryFolder();
  const sketch: Partial<ViewSketch> = { features: { twin_name: "float64" } };
  await customers(
    folder.path,
    "stats.parquet",
    { "stats.parquet": `${row(1)}, 1.0::DOUBLE AS twin_name, 2 AS "TWIX_NAME"` },
    { sketch },
  );
  // The engine would not write such a file, so the name is changed in its bytes.
  const path = join(folder.path, "stats.parquet");
  const bytes = readFileSync(path, "latin1");
  expect(bytes).toContain("TWIX_NAME");
  writeFileSync(path, bytes.replaceAll("TWIX_NAME", "TWIN_NAME"), "latin1");
  const run = customers(folder.path, "stats.parquet", {}, { sketch });
  await expect(run).rejects.toMatchObject({ code: "SOURCE_MISMATCH", facts: { view: "stats", file: path } });
  await expect(run).rejects.toThrow("two columns of one name");
});

test.each([
  ["cut off", (path: string) => truncateSync(path, 200)],
  ["empty", (path: string) => writeFileSync(path, "")],
  ["no Parquet", (path: string) => writeFileSync(path, "customer_id,v\n1,2\n")],
  ["damaged inside", (path: string) => writeFileSync(path, readFileSync(path).fill(0x55, 1000, 3000))],
])("a file that is %s is named", async (_, damage) => {
  await using folder = await temporaryFolder();
  const many =
    "SELECT i AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp, hash(i)::DOUBLE AS v FROM range(2000) t(i)";
  await customers(folder.path, "s", { "s/a.parquet": row(1), "s/b.parquet": many });
  damage(join(folder.path, "s/b.parquet"));
  await expect(customers(folder.path, "s", {})).rejects.toMatchObject({
    code: "SOURCE_UNREADABLE",
    facts: { view: "stats", file: join(folder.path, "s/b.parquet") },
  });
});

test.each([
  ["a page's header", "v", 3],
  ["a page of keys", "customer_id", 20],
])("a damaged file is told from the others, with its column: %s", async (_, column, offset) => {
  await using folder = await temporaryFolder();
  const rows = (from: number) =>
    `SELECT i AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp, hash(i % 500)::DOUBLE AS v FROM range(${from}, ${from + 2000}) t(i)`;
  await customers(folder.path, "s", { "s/a.parquet": rows(0), "s/b.parquet": rows(2000), "s/c.parquet": rows(4000) });
  const file = join(folder.path, "s/b.parquet");
  const [page] = await engine.rows(
    `SELECT data_page_offset AS at FROM parquet_metadata('${file}') WHERE path_in_schema = '${column}'`,
    { subject: { kind: "plan" } },
  );
  const start = Number(page!["at"]) + offset;
  writeFileSync(file, readFileSync(file).fill(0xff, start, start + 8));
  await expect(customers(folder.path, "s", {})).rejects.toMatchObject({
    code: "SOURCE_UNREADABLE",
    facts: { view: "stats", file, column },
  });
});

test("a source's fingerprint changes with its files and only then", async () => {
  await using folder = await temporaryFolder();
  await customers(folder.path, "s", { "s/a.parquet": row(1) });
  const view = makeView({ name: "stats", features: { v: "float64" }, source: { path: "s" } });
  const fingerprint = () => fingerprintSource(makeDefinitions(folder.path, [view]), view, "default");
  const before = await fingerprint();
  expect(await fingerprint()).toBe(before);
  await writeParquet(engine, join(folder.path, "s/b.parquet"), row(2));
  expect(await fingerprint()).not.toBe(before);
});
