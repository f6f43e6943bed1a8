import { join } from "node:path";
import { openOnlineStore } from "@larder/store-core";
import { type LogicalClock, logicalClock, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { materialize } from "../src/materialize.ts";
import { materializeIncremental } from "../src/materialize-incremental.ts";
import { readPosition } from "../src/position.ts";
import { definitionsIn, makeFolders, micros, rowsOf } from "./fixture.ts";
import { writeParquet } from "./parquet.ts";

const DEFAULT = { tenant: "default" };
const PLANS = { ...DEFAULT, views: ["plans"] };
const HOUR = 3_600_000_000;
const DAY = 24 * HOUR;
const JUNE = micros("2024-06-01T00:00:00Z");

/** A folder with sources, a store, and a clock that starts in June 2024. */
async function open(onlineStore?: string, defaults?: string) {
  const folder = await temporaryFolder();
  await makeFolders(folder.path);
  const definitions = definitionsIn(folder.path, onlineStore, defaults);
  const clock: LogicalClock = logicalClock(JUNE);
  const store = await openOnlineStore(definitions, { clock });
  const scope = { project: "test", tenant: "default", view: "plans" };
  let files = 0;
  return {
    definitions,
    store,
    clock,
    /** Adds a file of `plans`; rows are (customer, event time, created time, price). */
    arrive: (...rows: readonly (readonly [number, string, string | null, number])[]) =>
      writeParquet(
        join(folder.path, `data/plans/${files++}.parquet`),
        `SELECT * FROM (VALUES ${rows
          .map(([id, event, created, price]) => {
            const createdSql = created === null ? "NULL::TIMESTAMP" : `TIMESTAMP '${created}'`;
            return `(${id}, TIMESTAMP '${event}', ${createdSql}, false, ${price}, 'x')`;
          })
          .join(", ")}) t(customer_id, event_timestamp, created, deleted, price, plan)`,
      ),
    calls: (query: string) => writeParquet(join(folder.path, "data/calls/a.parquet"), query),
    prices: async () =>
      (await rowsOf(store, "plans")).map((each) => {
        const { row } = each as { readonly row: { readonly values: readonly unknown[] } };
        return row.values[0];
      }),
    position: () => readPosition(store, scope, DEFAULT),
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await folder.remove();
    },
  };
}

const STORES = [
  ["memory", "{ type: memory }"],
  ["sqlite", "{ type: sqlite, path: online.db }"],
] as const;

test.each(STORES)("on %s each run takes what is new, late rows among it, and no more", async (_, config) => {
  await using world = await open(config);
  await world.arrive([1, "2020-01-01", "2020-01-01", 10], [2, "2024-05-20", "2024-05-21", 20]);
  const first = await materializeIncremental(world, { ...PLANS, end: micros("2024-05-25T00:00:00Z") });
  expect(first.views[0], "without a TTL from the beginning").toMatchObject({ rows: 2, applied: 2 });
  expect(await world.position()).toMatchObject({
    end: micros("2024-05-25T00:00:00Z"),
    created: micros("2024-05-21T00:00:00Z"),
  });

  const nothing = await materializeIncremental(world, { ...PLANS, end: micros("2024-05-26T00:00:00Z") });
  expect(nothing.totals, "the lookback reads the row of the last created time again").toMatchObject({
    rows: 1,
    duplicate: 1,
    applied: 0,
  });

  // Customer 1's row is from before the last end and came after it; customer 3's is new.
  await world.arrive([1, "2024-05-10", "2024-05-28", 11], [3, "2024-05-28", null, 30]);
  const late = await materializeIncremental(world, { ...PLANS, end: micros("2024-05-29T00:00:00Z") });
  expect(late.totals).toMatchObject({ applied: 2, duplicate: 1 });
  expect(await world.prices()).toEqual([11n, 20n, 30n]);
});

test("a late row is found up to the lookback before the last created time, and not beyond it", async () => {
  await using world = await open();
  await world.arrive([1, "2024-05-20", "2024-05-21 12:00:00", 10]);
  const end = micros("2024-05-25T00:00:00Z");
  await materializeIncremental(world, { ...PLANS, end });
  // Both reached the files after the run, with created times from before its last one.
  await world.arrive([2, "2024-05-01", "2024-05-21 11:00:00.000001", 20], [3, "2024-05-01", "2024-05-21 11:00:00", 30]);
  await materializeIncremental(world, { ...PLANS, end });
  expect(await world.prices()).toEqual([10n, 20n]);
  await materializeIncremental(world, { ...PLANS, end, lookback: 2 * HOUR });
  expect(await world.prices()).toEqual([10n, 20n, 30n]);
  await expect(materializeIncremental(world, { ...PLANS, end, lookback: -1 })).rejects.toMatchObject({
    code: "INVALID_REQUEST",
    facts: { field: "lookback" },
  });
});

test("an end ahead of now means now: the position and the created time never pass it, and what comes later is found", async () => {
  await using world = await open();
  await world.arrive([1, "2024-05-31", "2090-01-01", 10]);
  const report = await materializeIncremental(world, { ...PLANS, end: JUNE + 30 * DAY });
  expect(report.end).toBe(JUNE);
  expect(await world.position()).toMatchObject({ end: JUNE, created: JUNE });
  world.clock.advance(2 * DAY);
  await world.arrive([2, "2024-05-30", "2024-06-02", 20], [3, "2024-06-02", "2024-06-02", 30]);
  await materializeIncremental(world, { ...PLANS, end: JUNE + 30 * DAY });
  expect(await world.prices()).toEqual([10n, 20n, 30n]);
});

test("an end before the last one looks for late rows of all that is done, and loses none of them", async () => {
  await using world = await open();
  await world.arrive([1, "2024-05-20", "2024-05-21", 10]);
  await materializeIncremental(world, { ...PLANS, end: JUNE });
  await world.arrive([2, "2024-05-01", "2024-05-31", 20], [3, "2024-05-30", "2024-05-25", 30]);
  await materializeIncremental(world, { ...PLANS, end: micros("2024-05-10T00:00:00Z") });
  await materializeIncremental(world, { ...PLANS, end: JUNE });
  expect(await world.prices()).toEqual([10n, 20n, 30n]);
  expect(await world.position()).toMatchObject({ end: JUNE });
});

test("a window run in between hides no late row from the next incremental run", async () => {
  await using world = await open();
  await world.arrive([1, "2024-05-01", "2024-05-01", 10]);
  await materializeIncremental(world, { ...PLANS, end: micros("2024-05-10T00:00:00Z") });
  await world.arrive([2, "2024-05-02", "2024-05-12", 20], [3, "2024-05-19", "2024-05-20", 30]);
  const start = micros("2024-05-10T00:00:00Z");
  await materialize(world, { ...PLANS, start, end: micros("2024-05-20T00:00:00Z") });
  expect(await world.prices()).toEqual([10n, 30n]);
  await materializeIncremental(world, { ...PLANS, end: JUNE });
  expect(await world.prices()).toEqual([10n, 20n, 30n]);
});

test("a first run begins where the tenant's TTL and keep_stale do, and an end from before that is refused", async () => {
  await using world = await open(undefined, "{ ttl: { plans: 10d } }");
  const at = (micro: number) => new Date(micro / 1000).toISOString().replace("T", " ").replace("Z", "");
  const kept = JUNE - 10 * DAY - HOUR;
  await world.arrive([1, at(kept), null, 10], [2, at(kept - 1_000), null, 20]);
  const request = { ...PLANS, end: JUNE };
  await expect(materializeIncremental(world, { ...request, end: kept - 1 })).rejects.toMatchObject({
    code: "INVALID_REQUEST",
    facts: { field: "end", view: "plans" },
  });
  expect(await world.position()).toBeUndefined();
  const { views, warnings } = await materializeIncremental(world, request);
  expect(views[0]).toMatchObject({ start: kept, end: JUNE, rows: 1, pastTtl: 1 });
  expect(warnings).toEqual([expect.stringContaining('1 of 1 rows of view "plans" (100 %) are past their TTL of 10d')]);
});

test("a run warns when more than a tenth of a view's rows are past their TTL, and not at a tenth", async () => {
  const rows = (past: number) =>
    `SELECT i AS customer_id, TIMESTAMP '2024-06-01' - CASE WHEN i < ${past} THEN INTERVAL 11 DAY ELSE INTERVAL 1 DAY END AS event_timestamp, 1.0 AS minutes FROM range(20) t(i)`;
  await using world = await open(undefined, "{ ttl: { calls: 10d } }");
  const request = { ...DEFAULT, views: ["calls"], start: 0, end: JUNE };
  await world.calls(rows(2));
  expect((await materialize(world, request)).warnings).toEqual([]);
  await world.calls(rows(3));
  const { warnings, totals } = await materialize(world, request);
  expect(totals).toMatchObject({ rows: 20, pastTtl: 3 });
  expect(warnings).toEqual([expect.stringMatching(/^3 of 20 rows of view "calls" \(15 %\)/)]);
});

test("a view whose source has no created time goes on from its end", async () => {
  await using world = await open();
  await world.calls("SELECT 1 AS customer_id, TIMESTAMP '2024-05-01' AS event_timestamp, 1.0 AS minutes");
  const request = { ...DEFAULT, views: ["calls"], end: JUNE };
  expect((await materializeIncremental(world, request)).totals).toMatchObject({ rows: 1, applied: 1 });
  expect((await materializeIncremental(world, request)).totals).toMatchObject({ rows: 0 });
});
