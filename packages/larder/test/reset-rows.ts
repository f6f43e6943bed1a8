import { materialize, materializeIncremental } from "@larder/materializer";
import { LarderError, loadDefinitions, systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { expect } from "vitest";
import { resetRows } from "../src/reset-rows.ts";
import { PLANS, YAML } from "./definitions.ts";
import type { Project } from "./project.ts";

const WINDOW = { start: Date.UTC(2024, 0, 1) * 1000, end: Date.UTC(2024, 5, 1) * 1000 };
const ROWS = 3_992;
const MANY_ROWS = `SELECT i::BIGINT AS customer_id, TIMESTAMP '2024-03-01' + INTERVAL 1 SECOND * i AS event_timestamp, TIMESTAMP '2024-03-03' AS created,
  i::BIGINT AS price, 'many' AS plan, [1]::BIGINT[] AS invoices FROM range(10, 4000) t(i)`;

/**
 * A reset is stopped half-way: an incremental run loads all rows again, and repeating the reset removes the rest. One that meets a run of
 * materialize leaves no position that rows are missing from. `onlineStore` is the yaml's online_store.
 */
export async function resetsWithoutHoles(project: Project, onlineStore: string): Promise<void> {
  const yaml = YAML.replace(/^online_store: .*$/m, `online_store: ${onlineStore}`).replace(", acme: {}", "");
  await project.write("feature_store.yaml", yaml);
  await project.parquet("data/plans/a.parquet", PLANS);
  await project.parquet("data/plans/b.parquet", MANY_ROWS);
  const definitions = await loadDefinitions(project.path("feature_store.yaml"), { env: {} });
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  const parts = { definitions, store, clock: systemClock };
  const tenant = "default";
  const count = async () => {
    let rows = 0;
    for await (const _ of store.scan({ tenant }, { tenant, deadline: performance.now() + 60_000 })) rows++;
    return rows;
  };
  expect((await materialize(parts, { ...WINDOW, tenant })).totals.applied).toBe(ROWS);

  const stop = new AbortController();
  const told: number[] = [];
  const stopped: unknown = await resetRows(parts, {
    tenant,
    confirmed: true,
    signal: stop.signal,
    onRemoved: (rows) => {
      told.push(rows);
      if (rows > ROWS / 3) stop.abort();
    },
  }).catch((error: unknown) => error);
  if (!(stopped instanceof LarderError)) throw new Error("The reset ended before it was stopped", { cause: stopped });
  expect([stopped.code, stopped.facts["removed"]]).toEqual(["ABORTED", told.at(-1)]);
  expect(stopped.message).toMatch(/ rows were removed, others are left\. Run the same reset again to finish it/);
  expect(told).toEqual(told.toSorted((a, b) => a - b));
  const left = await count();
  expect(left).toBe(ROWS - (told.at(-1) ?? 0));
  expect(left).toBeGreaterThan(0);

  // What comes next is whole, whichever it is.
  await materializeIncremental(parts, { end: WINDOW.end, tenant });
  expect(await count()).toBe(ROWS);
  expect((await resetRows(parts, { tenant, confirmed: true })).removed).toBe(ROWS);
  expect([await count(), (await resetRows(parts, { tenant, confirmed: true })).removed]).toEqual([0, 0]);

  // A run that begins and ends while a reset is under way leaves no position: its rows were removed after it had loaded them.
  await materialize(parts, { ...WINDOW, tenant });
  let run: Promise<unknown> | undefined;
  await resetRows(parts, {
    tenant,
    confirmed: true,
    onRemoved: () => {
      run ??= materializeIncremental(parts, { end: WINDOW.end, tenant }).catch((error: unknown) => error);
    },
  });
  const met = await run;
  if (met instanceof Error) expect(met).toMatchObject({ code: "STORE_CONFLICT" });
  await materializeIncremental(parts, { end: WINDOW.end, tenant });
  expect(await count()).toBe(ROWS);
}
