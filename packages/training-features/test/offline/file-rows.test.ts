import { join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FileRowsChunk, type OfflineEngine, readFileRows } from "../../src/index.ts";
import { makeDefinitions, makeView, type ViewSketch } from "../support/make-definitions.ts";
import { testEngine, writeParquet } from "../support/parquet.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

async function read(select: string, sketch: Partial<ViewSketch> = {}, name = "rows.parquet"): Promise<FileRowsChunk[]> {
  await using folder = await temporaryFolder();
  const file = join(folder.path, name);
  await writeParquet(engine, file, select);
  const view = makeView({ name: "stats", features: { v: "float64" }, ...sketch });
  const chunks: FileRowsChunk[] = [];
  for await (const chunk of readFileRows({ definitions: makeDefinitions("/nowhere", [view]), view, file }))
    chunks.push(chunk);
  return chunks;
}

const ROWS =
  "SELECT i::BIGINT AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp, i::DOUBLE AS v FROM range(5000) t(i)";

test("every row comes in the file's order, with its position and all columns", async () => {
  const chunks = await read(`SELECT *, 1 AS other FROM (${ROWS}) ORDER BY v DESC`, {}, "a [1]*.parquet");
  expect(chunks.flatMap(({ rows }) => rows.map((row) => row["v"]))).toEqual(
    Array.from({ length: 5000 }, (_, i) => 4999 - i),
  );
  let first = 0;
  for (const chunk of chunks) {
    expect(chunk.first).toBe(first);
    expect(chunk.columns).toEqual(["customer_id", "event_timestamp", "v", "other"]);
    first += chunk.rows.length;
  }
});

test("null keys and times, tombstones and mapped columns are handed on for the decoder to judge", async () => {
  const sketch: Partial<ViewSketch> = {
    source: {
      timestampField: "moment",
      createdTimestampColumn: "arrived",
      tombstoneColumn: "gone",
      fieldMapping: new Map([
        ["ts", "moment"],
        ["raw", "v"],
      ]),
    },
  };
  const [chunk] = await read(
    `SELECT NULL::BIGINT AS customer_id, NULL::TIMESTAMP AS ts, TIMESTAMP '2026-01-01' AS created, NULL::DOUBLE AS raw, NULL::BOOLEAN AS gone
     UNION ALL SELECT 1, TIMESTAMP '2026-01-02', NULL, 2.5, true`,
    sketch,
  );
  expect(chunk!.rows).toEqual([
    { customer_id: null, moment: null, created: 1_767_225_600_000_000n, gone: false, v: null },
    { customer_id: 1n, moment: 1_767_312_000_000_000n, created: null, gone: true, v: 2.5 },
  ]);
  const view = makeView({ name: "stats", features: { v: "float64" }, ...sketch });
  expect(view.rowDecoder.decode(chunk!.rows[1]!, "row 1")).toMatchObject({ ok: true, row: { values: undefined } });
});

test("a file that does not fit is refused, an empty one is one empty chunk", async () => {
  await expect(read("SELECT 1 AS v")).rejects.toMatchObject({ code: "SOURCE_MISMATCH" });
  await expect(read(ROWS.replace("i::DOUBLE", "'x'"))).rejects.toMatchObject({ code: "SOURCE_MISMATCH" });
  expect(await read(`${ROWS} LIMIT 0`)).toMatchObject([{ rows: [], first: 0 }]);
});
