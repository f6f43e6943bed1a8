import { join } from "node:path";
import { systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { runProcess, startProcess, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { materialize } from "../src/materialize.ts";
import type { MaterializeParts } from "../src/run.ts";
import { definitionsIn, makeFolders, rowsOf, YEAR } from "./fixture.ts";
import { writeParquet } from "./parquet.ts";

const ROWS = 2_000;
const CHUNK = 50;
const SCRIPT = ["--conditions=@larder/source", join(import.meta.dirname, "fixtures", "materialize-process.ts")];

test("a run that is killed, twice, and run again ends like one that was left alone, and repeats a chunk at most each time", async () => {
  await using folder = await temporaryFolder();
  await makeFolders(folder.path);
  await writeParquet(
    join(folder.path, "data/calls/a.parquet"),
    `SELECT i % ${ROWS} AS customer_id, TIMESTAMP '2024-03-01' + INTERVAL 1 SECOND * i AS event_timestamp, i / 7 AS minutes
     FROM range(${2 * ROWS}) t(i)`,
  );
  for (const _ of [1, 2]) {
    await using child = await startProcess(process.execPath, [...SCRIPT, folder.path, String(CHUNK)]);
    await child.waitForLine(/^at \d+50$/);
    child.signal("SIGKILL");
    expect(await child.waitForExit()).toEqual({ code: null, signal: "SIGKILL" });
    expect(child.stdout).not.toContain("report");
  }
  const resumed = await runProcess(process.execPath, [...SCRIPT, folder.path, String(CHUNK)]);
  const report = reportIn(resumed.stdout);
  expect(report).toMatchObject({ rows: ROWS, resumed: true, refused: 0 });
  expect(report.applied + report.duplicate).toBe(ROWS);
  expect(report.duplicate).toBeLessThanOrEqual(2 * CHUNK);

  const stored = await storedIn(folder.path, "{ type: sqlite, path: online.db }", async () => {});
  const leftAlone = await storedIn(folder.path, "{ type: memory }", async (parts) => {
    const { totals } = await materialize(parts, { ...YEAR, views: ["calls"], tenant: "default" });
    expect(totals).toMatchObject({ rows: ROWS, applied: ROWS });
  });
  expect(stored).toHaveLength(ROWS);
  expect(stored).toEqual(leftAlone);
});

function reportIn(stdout: string): { readonly applied: number; readonly duplicate: number } {
  return JSON.parse(/^report (.*)$/m.exec(stdout)?.[1] ?? "");
}

async function storedIn(folder: string, online: string, work: (parts: MaterializeParts) => Promise<void>) {
  const definitions = definitionsIn(folder, online);
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  await work({ definitions, store, clock: systemClock });
  return await rowsOf(store, "calls");
}
