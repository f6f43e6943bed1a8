import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { HivePartition } from "@larder/schema";
import { propertySettings, temporaryFolder } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildTrainingSet, type OfflineEngine, readLatestRows } from "../../src/index.ts";
import { keepPartitions } from "../../src/offline/hive-partition.ts";
import { makeDefinitions, makeView, refsOf } from "../support/make-definitions.ts";
import { parquetRows, testEngine, writeParquet } from "../support/parquet.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

const micros = (time: string) => BigInt(Date.parse(`${time}Z`)) * 1000n;

function viewOf(partitions: Record<string, HivePartition>, more = {}) {
  const hivePartitions = new Map(Object.entries(partitions));
  return makeView({ name: "stats", features: { v: "float64" }, source: { path: "stats", hivePartitions, ...more } });
}

function kept(
  partitions: Record<string, HivePartition>,
  names: readonly string[],
  from?: string,
  to?: string,
): string[] {
  const range = { from: from === undefined ? undefined : micros(from), to: to === undefined ? undefined : micros(to) };
  const files = names.map((name) => ({ name }));
  return keepPartitions(viewOf(partitions), "default", files, range).map(({ name }) => name);
}

test.each<[string, Record<string, HivePartition>, string[], string[]]>([
  [
    "whole days",
    { day: "day" },
    ["/a/day=2026-01-09/p", "/a/day=2026-01-10/p", "/a/day=2026-01-11/p"],
    ["/a/day=2026-01-10/p"],
  ],
  [
    "split days",
    { y: "year", m: "month", d: "day" },
    ["/y=2026/m=1/d=9/p", "/y=2026/m=01/d=10/p"],
    ["/y=2026/m=01/d=10/p"],
  ],
  ["months", { m: "month" }, ["/m=2025-12/p", "/m=2026-01/p", "/m=2026-02/p"], ["/m=2026-01/p"]],
  ["years", { year: "year" }, ["/year=2025/p", "/year=2026/p"], ["/year=2026/p"]],
  ["hours", { dt: "day", h: "hour" }, ["/dt=2026-01-10/h=11/p", "/dt=2026-01-10/h=12/p"], ["/dt=2026-01-10/h=12/p"]],
  ["whole hours", { h: "hour" }, ["/h=2026-01-10-11/p", "/h=2026-01-10T12/p"], ["/h=2026-01-10T12/p"]],
  [
    "a null partition may hold any time",
    { day: "day" },
    ["/day=__HIVE_DEFAULT_PARTITION__/p", "/day=2020-01-01/p"],
    ["/day=__HIVE_DEFAULT_PARTITION__/p"],
  ],
  ["a day without its month tells nothing", { day: "day" }, ["/day=3/p", "/day=10/p"], ["/day=3/p", "/day=10/p"]],
  [
    "encoded names",
    { "event day": "day" },
    ["/event%20day=2026%2D01%2D10/p", "/event%20day=2026-01-11/p"],
    ["/event%20day=2026%2D01%2D10/p"],
  ],
])("a range leaves out files by %s", (_, partitions, names, expected) => {
  expect(kept(partitions, names, "2026-01-10T12:00:00", "2026-01-10T12:30:00")).toEqual(expected);
});

test("bounds are inclusive, and a range without files leaves one for the columns", () => {
  const days = ["/day=2026-01-09/p", "/day=2026-01-10/p", "/day=2026-01-11/p"];
  expect(kept({ day: "day" }, days, "2026-01-10T00:00:00", "2026-01-11T00:00:00")).toEqual(days.slice(1));
  expect(kept({ day: "day" }, days, "2026-01-10T00:00:00")).toEqual(days.slice(1));
  expect(kept({ day: "day" }, days, undefined, "2026-01-09T23:59:59")).toEqual(days.slice(0, 1));
  expect(kept({ day: "day" }, days, "2030-01-01T00:00:00")).toEqual(days.slice(2));
});

test.each([
  ["no folder names it", "/a/p"],
  ["it is no day", "/day=monday/p"],
  ["there is no such day", "/day=2026-02-30/p"],
])("a file is refused by name where %s", (_, name) => {
  expect(() => kept({ day: "day" }, [name])).toThrow(expect.objectContaining({ code: "SOURCE_MISMATCH" }));
  expect(() => kept({ day: "day" }, [name])).toThrow(name);
});

test("whatever the range, no file that holds a time of it is left out", () => {
  const time = fc.integer({ min: 0, max: 3 * 366 * 24 }).map((hours) => Date.UTC(2023, 11, 1) + hours * 3_600_000);
  fc.assert(
    fc.property(fc.array(time, { minLength: 1 }), time, time, (times, a, b) => {
      const [from, to] = a < b ? [a, b] : [b, a];
      const nameOf = (at: number) => {
        const [, year, month, day, hour] = /(\d+)-(\d+)-(\d+)T(\d+)/.exec(new Date(at).toISOString())!;
        return `/y=${year}/m=${month}/d=${day}/h=${hour}/p`;
      };
      const partitions = { y: "year", m: "month", d: "day", h: "hour" } as const;
      const iso = (at: number) => new Date(at).toISOString().slice(0, -1);
      const left = kept(partitions, times.map(nameOf), iso(from), iso(to));
      for (const at of times) if (at >= from && at <= to) expect(left).toContain(nameOf(at));
    }),
    propertySettings(100),
  );
});

const row = (key: number, time: string) =>
  `SELECT ${key}::BIGINT AS customer_id, TIMESTAMP '${time}' AS event_timestamp, ${key}.5::DOUBLE AS v`;

test("only files that survive are read, and the manifest lists these", async () => {
  await using folder = await temporaryFolder();
  const files = {
    "stats/day=2026-01-01/p.parquet": row(1, "2026-01-01 05:00"),
    "stats/day=2026-01-02/p.parquet": row(1, "2026-01-02 05:00"),
    // What is out of range is not even opened: this one has none of the columns.
    "stats/day=2026-02-01/p.parquet": "SELECT 1 AS other",
    "stats/day=2025-01-01/p.parquet": "SELECT 1 AS other",
    "entities.parquet": "SELECT 1::BIGINT AS customer_id, TIMESTAMP '2026-01-02 04:00' AS event_timestamp",
  };
  for (const [name, select] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    await writeParquet(engine, join(folder.path, name), select);
  }
  const view = { ...viewOf({ day: "day" }), ttl: 2 * 86_400_000_000 };
  const definitions = makeDefinitions(folder.path, [view]);
  const out = join(folder.path, "train.parquet");
  const entities = join(folder.path, "entities.parquet");
  const report = await buildTrainingSet({
    definitions,
    features: refsOf(view),
    entities,
    out,
    asOf: "event_time",
    tenant: "default",
    engine,
  });
  expect(report.manifest.views[0]!.inputs.map(({ path }) => path)).toEqual([
    "stats/day=2026-01-01/p.parquet",
    "stats/day=2026-01-02/p.parquet",
  ]);
  expect(await parquetRows(engine, out)).toMatchObject([{ v: 1.5 }]);
  const window = { start: micros("2026-01-02T00:00:00"), end: micros("2026-01-02T23:59:59") };
  for await (const { rows } of readLatestRows({ definitions, view, tenant: "default", ...window, engine })) {
    expect(rows).toMatchObject([{ customer_id: 1n, v: 1.5 }]);
  }
});

test("a partition may be a column that the files do not hold: a key, a feature, the tenant", async () => {
  await using folder = await temporaryFolder();
  const select = "SELECT TIMESTAMP '2026-01-01' AS event_timestamp, 1.0::DOUBLE AS v";
  for (const part of [
    "who=acme/k=1/plan=a%20b",
    "who=acme/k=2/plan=__HIVE_DEFAULT_PARTITION__",
    "who=other/k=3/plan=c",
  ]) {
    mkdirSync(join(folder.path, "stats", part), { recursive: true });
    await writeParquet(engine, join(folder.path, "stats", part, "p.parquet"), select);
  }
  const view = makeView({
    name: "stats",
    joinKeys: [{ name: "k", type: "int32" }],
    features: { v: "float64", plan: "string" },
    source: {
      path: "stats",
      tenantColumn: "who",
      hivePartitions: new Map([
        ["who", "column"],
        ["k", "column"],
        ["plan", "column"],
      ]),
    },
  });
  const definitions = makeDefinitions(folder.path, [view], ["default", "acme"]);
  for await (const { rows } of readLatestRows({
    definitions,
    view,
    tenant: "acme",
    start: 0n,
    end: 2n ** 60n,
    engine,
  })) {
    expect(rows).toMatchObject([
      { k: 1n, plan: "a b" },
      { k: 2n, plan: null },
    ]);
  }
});

test.each([
  ["Delta", "_delta_log/00000000000000000000.json"],
  ["Iceberg", "metadata/v1.metadata.json"],
])("a table of %s is refused by name, for its files hold rows that it has no more", async (format, file) => {
  await using folder = await temporaryFolder();
  mkdirSync(dirname(join(folder.path, "stats", file)), { recursive: true });
  await writeParquet(engine, join(folder.path, "stats", "p.parquet"), row(1, "2026-01-01"));
  await engine.run(`COPY (SELECT 1) TO '${join(folder.path, "stats", file)}' (FORMAT json)`, {
    subject: { kind: "plan" },
  });
  const view = viewOf({});
  const rows = readLatestRows({
    definitions: makeDefinitions(folder.path, [view]),
    view,
    tenant: "default",
    start: 0n,
    end: 1n,
    engine,
  });
  const run = rows[Symbol.asyncIterator]().next();
  await expect(run).rejects.toMatchObject({
    code: "UNSUPPORTED",
    facts: { view: "stats", format: format.toLowerCase() },
  });
});
