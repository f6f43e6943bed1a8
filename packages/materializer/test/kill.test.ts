import { join } from "node:path";
import { systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { runProcess, startProcess, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { definitionsIn, makeFolders, rowsOf } from "./fixture.ts";
import { writeParquet } from "./parquet.ts";

const ROWS = 2_000;
const CHUNK = 50;
const SCRIPT = ["--conditions=@larder/source", join(import.meta.dirname, "fixtures", "materialize-process.ts")];

test("a run that is killed, twice, and run again ends like one that was left alone, and repeats a chunk at most each time", async () => {
  await using killed = await temporaryFolder();
  await using alone = await temporaryFolder();
  for (const { path } of [killed, alone]) {
    await makeFolders(path);
    await writeParquet(
      join(path, "data/calls/a.parquet"),
      `SELECT i % ${ROWS} AS customer_id, TIMESTAMP '2024-03-01' + INTERVAL 1 SECOND * i AS event_timestamp, i / 7 AS minutes
       FROM range(${2 * ROWS}) t(i)`,
    );
  }
  for (const _ of [1, 2]) {
    await using child = await startProcess(process.execPath, [...SCRIPT, killed.path, String(CHUNK)]);
    await child.waitForLine(/^at \d+50$/);
    child.signal("SIGKILL");
    expect(await child.waitForExit()).toEqual({ code: null, signal: "SIGKILL" });
    expect(child.stdout).not.toContain("report");
  }
  const [resumed, whole] = [
    await runProcess(process.execPath, [...SCRIPT, killed.path, String(CHUNK)]),
    await runProcess(process.execPath, [...SCRIPT, alone.path, "2000"]),
  ];
  const report = reportIn(resumed.stdout);
  expect(report).toMatchObject({ rows: ROWS, resumed: true, refused: 0 });
  expect(report.applied + report.duplicate).toBe(ROWS);
  expect(report.duplicate).toBeLessThanOrEqual(2 * CHUNK);
  expect(reportIn(whole.stdout)).toMatchObject({ rows: ROWS, applied: ROWS, resumed: false });

  const stored = await Promise.all([killed, alone].map(({ path }) => storedIn(path)));
  expect(stored[0]).toHaveLength(ROWS);
  expect(stored[0]).toEqual(stored[1]);
});

function reportIn(stdout: string): { readonly applied: number; readonly duplicate: number } {
  return JSON.parse(/^report (.*)$/m.exec(stdout)?.[1] ?? "");
}

async function storedIn(folder: string): Promise<readonly unknown[]> {
  const definitions = definitionsIn(folder, "{ type: sqlite, path: online.db }");
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  return await rowsOf(store, "calls");
}
