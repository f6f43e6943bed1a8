import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildTrainingSet, type OfflineEngine } from "../src/index.ts";
import { goldenCases, goldenFolder, goldenRequest, goldenRuns } from "./support/golden-cases.ts";
import { parquetColumns, parquetRows, testEngine } from "./support/parquet.ts";

let engine: OfflineEngine;
let folder: string;
beforeAll(async () => {
  engine = await testEngine();
  folder = mkdtempSync(join(tmpdir(), "larder-golden-"));
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

test("the golden cases are all there", () => {
  expect(goldenCases).toHaveLength(27);
  expect(goldenRuns).toHaveLength(37);
});

test.each(goldenRuns)("golden case $name, $mode", async (run) => {
  const out = join(folder, `${run.name}_${run.mode}.parquet`);
  const report = await buildTrainingSet({ ...goldenRequest(run), out, engine });
  const wanted = join(goldenFolder, run.name, run.expected);
  expect(await parquetColumns(engine, out)).toEqual(await parquetColumns(engine, wanted));
  const rows = await parquetRows(engine, out);
  expect(rows).toEqual(await parquetRows(engine, wanted));
  expect(report.rows).toBe(rows.length);
});
