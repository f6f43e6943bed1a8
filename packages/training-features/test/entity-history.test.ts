import { join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { type EntityHistoryRequest, readEntityHistory } from "../src/index.ts";
import { makeDefinitions, makeView, type ViewSketch } from "./support/make-definitions.ts";
import { testEngine, writeParquet } from "./support/parquet.ts";

const T0 = 1_767_225_600_000_000n; // 2026-01-01

/** Reads one entity's rows of a view over files written by SQL. */
async function read(
  sketch: ViewSketch,
  files: Readonly<Record<string, string>>,
  request: Pick<EntityHistoryRequest, "entityKey"> & Partial<EntityHistoryRequest>,
) {
  await using folder = await temporaryFolder();
  await using engine = await testEngine();
  for (const [name, select] of Object.entries(files)) await writeParquet(engine, join(folder.path, name), select);
  const view = makeView(sketch);
  const definitions = makeDefinitions(folder.path, [view], ["default", "acme"]);
  return await readEntityHistory({ definitions, view, tenant: "default", limit: 20, ...request });
}

const stats: ViewSketch = {
  name: "stats",
  features: { v: "float64" },
  source: { createdTimestampColumn: "created", tombstoneColumn: "deleted", path: "stats-*.parquet" },
};

/** Rows as (key, event time in seconds after 2026, created, v, deleted). */
function rows(...values: string[]): string {
  return `SELECT k::BIGINT AS customer_id, make_timestamp(${T0} + (e * 1000000)::BIGINT) AS event_timestamp,
    make_timestamp(${T0} + (c * 1000000)::BIGINT) AS created, v::DOUBLE AS v, d::BOOLEAN AS deleted
    FROM (VALUES ${values.join(", ")}) t(k, e, c, v, d)`;
}

test("one entity's rows come newest first, in the order in which they win, from all files", async () => {
  const files = {
    "stats-a.parquet": rows("(1, 5, 1, 50, false)", "(1, 9, 1, 90, false)", "(2, 99, 1, 1, false)"),
    "stats-b.parquet": rows("(1, 5, 2, 51, false)", "(1, 5, NULL, 52, false)", "(1, 5, 2, NULL, true)"),
  };
  const { rows: found, more } = await read(stats, files, { entityKey: [1n] });
  expect(found.map((row) => row["v"])).toEqual([90, null, 51, 50, 52]);
  expect(found[1]).toEqual({
    customer_id: 1n,
    event_timestamp: T0 + 5_000_000n,
    created: T0 + 2_000_000n,
    deleted: true,
    v: null,
  });
  expect(more).toBe(false);
});

test("no more than the limit, which is said; an entity without rows has none", async () => {
  const files = { "stats-a.parquet": rows("(1, 1, 1, 1, false)", "(1, 2, 1, 2, false)", "(1, 3, 1, 3, false)") };
  const limited = await read(stats, files, { entityKey: [1n], limit: 2 });
  expect([limited.rows.map((row) => row["v"]), limited.more]).toEqual([[3, 2], true]);
  expect((await read(stats, files, { entityKey: [1n], limit: 3 })).more).toBe(false);
  expect(await read(stats, files, { entityKey: [-1n] })).toEqual({ rows: [], more: false });
});

test("keys of every type are met by value, hostile text and another tenant's rows are not", async () => {
  const sketch: ViewSketch = {
    name: "keys",
    joinKeys: [
      { name: "s", type: "string" },
      { name: "b", type: "bytes" },
      { name: "i", type: "int32" },
      { name: "u", type: "unix_timestamp" },
    ],
    features: { v: "int64" },
    source: { tenantColumn: "whose", fieldMapping: new Map([["text", "s"]]) },
  };
  const texts = ["it's", "\0 nul", "' OR true --", "𝄞"];
  const literal = (text: string) =>
    text
      .split("\0")
      .map((part) => `'${part.replaceAll("'", "''")}'`)
      .join(" || chr(0) || ");
  const values = texts.flatMap((text, v) =>
    ["default", "acme"].map(
      (whose, other) =>
        `(${literal(text)}, unhex('00ff'), 7::INTEGER, TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01', ${v + 10 * other}::BIGINT, '${whose}')`,
    ),
  );
  const select = `SELECT * FROM (VALUES ${values.join(", ")}) t(text, b, i, u, event_timestamp, v, whose)`;
  const key = (text: string) => [text, Uint8Array.of(0, 255), 7, T0 / 1_000_000n];
  for (const [v, text] of texts.entries()) {
    const { rows: found } = await read(sketch, { "keys.parquet": select }, { entityKey: key(text) });
    expect([text, found.map((row) => [row["s"] ?? row["text"], row["v"]])]).toEqual([text, [[text, BigInt(v)]]]);
  }
});

test("a view without join keys has the rows of its one entity; a source without files is an error", async () => {
  const sketch: ViewSketch = { name: "world", joinKeys: [], features: { v: "int64" } };
  const select = "SELECT TIMESTAMP '2026-01-01' AS event_timestamp, 1::BIGINT AS v";
  expect((await read(sketch, { "world.parquet": select }, { entityKey: [] })).rows).toHaveLength(1);
  await expect(read(sketch, {}, { entityKey: [] })).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
  await expect(read(sketch, {}, { entityKey: [], tenant: "nobody" })).rejects.toMatchObject({ code: "UNKNOWN_TENANT" });
});
