import { join } from "node:path";
import { findView, LarderError } from "@larder/schema";
import { type OnlineStore, openOnlineStore } from "@larder/store-core";
import { logicalClock, propertySettings, temporaryFolder } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { materialize } from "../src/materialize.ts";
import { definitionsIn, disturbed, makeFolders, micros, rowsOf } from "./fixture.ts";
import { writeParquet } from "./parquet.ts";

const START = micros("2024-01-01T00:00:00Z");

/** A source row on a coarse grid, so that ties of every kind are common. Times are in steps of a second. */
interface GridRow {
  readonly key: number | null;
  readonly event: number | null;
  readonly created: number | null;
  readonly deleted: boolean | null;
  readonly price: number | null;
  readonly plan: string | null;
}

const gridRow = fc.record<GridRow>({
  key: fc.option(fc.integer({ min: 1, max: 4 }), { freq: 9 }),
  event: fc.option(fc.integer({ min: 0, max: 6 }), { freq: 9 }),
  created: fc.option(fc.integer({ min: 0, max: 3 }), { freq: 2 }),
  deleted: fc.option(fc.boolean(), { freq: 4 }),
  price: fc.option(fc.integer({ min: -2, max: 2 }), { freq: 4 }),
  plan: fc.option(fc.constantFrom("", "a", "b", "ä"), { freq: 4 }),
});

const window = fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 }));

const history = fc.record({
  rows: fc.array(gridRow, { minLength: 1, maxLength: 25 }),
  windows: fc.array(window, { minLength: 1, maxLength: 3 }),
  chunkRows: fc.integer({ min: 1, max: 3 }),
  /** The write at which each window's first attempt dies; later than the last write: it does not. */
  deaths: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 3 }),
});

test("windows in any order, each interrupted anywhere, leave what writing their rows one by one would leave", async () => {
  const property = fc.asyncProperty(history, async ({ rows, windows, chunkRows, deaths }) => {
    await using folder = await temporaryFolder();
    await makeFolders(folder.path);
    await writeParquet(join(folder.path, "data/plans/rows.parquet"), valuesSql(rows));
    const definitions = definitionsIn(folder.path);
    const clock = logicalClock(START + 3_600_000_000);
    await using materialized = await openOnlineStore(definitions, { clock });
    await using folded = await openOnlineStore(definitions, { clock });

    for (const [index, [a, b]] of windows.entries()) {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      const request = {
        start: START + from * 1e6,
        end: START + to * 1e6,
        views: ["plans"],
        tenant: "default",
        chunkRows,
        retryDelaysMs: [],
      };
      const parts = { definitions, store: materialized, clock };
      try {
        await materialize({ ...parts, store: dyingAt(materialized, deaths[index] ?? 9) }, request);
      } catch (error) {
        expect(error).toMatchObject({ code: "STORE_UNAVAILABLE" });
        await materialize(parts, request);
      }
      await fold(folded, definitions, rows, from, to);
    }
    expect(await rowsOf(materialized, "plans")).toEqual(await rowsOf(folded, "plans"));
  });
  await fc.assert(property, propertySettings(15));
});

/**
 * Writes every row of a window that has a key and a time, one by one. Of rows that differ in nothing but their values, which no time can tell apart, only the
 * greatest is the source's, as in a point-in-time join: training and serving see the same one.
 */
async function fold(
  store: OnlineStore,
  definitions: ReturnType<typeof definitionsIn>,
  rows: readonly GridRow[],
  from: number,
  to: number,
): Promise<void> {
  const view = findView(definitions, "plans");
  for (const row of rows) {
    const { key, event, created, deleted, price, plan } = row;
    if (key === null || event === null || event < from || event > to) continue;
    if (rows.some((other) => isRival(row, other) && order(other) > order(row))) continue;
    await store.write(
      view,
      [
        {
          entityKey: [BigInt(key)],
          eventTime: START + event * 1e6,
          createdTime: created === null ? undefined : START + created * 1e6,
          values: deleted ? undefined : [price === null ? null : BigInt(price), plan],
        },
      ],
      { tenant: "default" },
    );
  }
}

function isRival(row: GridRow, other: GridRow): boolean {
  const same = row.key === other.key && row.event === other.event && row.created === other.created;
  return same && row.deleted !== true && other.deleted !== true;
}

/** Text that sorts as the rows' values do, feature by feature; null is least. */
function order({ price, plan }: GridRow): string {
  return `${price === null ? "-" : price + 5}${plan === null ? "-" : `=${plan}`}`;
}

function dyingAt(store: OnlineStore, death: number): OnlineStore {
  return disturbed(store, (write) => {
    if (write >= death) throw new LarderError("STORE_UNAVAILABLE", { what: "Away", remedy: "Wait" });
  });
}

function valuesSql(rows: readonly GridRow[]): string {
  const time = (seconds: number | null) => (seconds === null ? "NULL" : `make_timestamp(${START} + ${seconds * 1e6})`);
  const text = (value: string | null) => (value === null ? "NULL" : `'${value}'`);
  const tuples = rows.map(
    ({ key, event, created, deleted, price, plan }) =>
      `(${key}::BIGINT, ${time(event)}::TIMESTAMP, ${time(created)}::TIMESTAMP, ${deleted}::BOOLEAN, ${price}::BIGINT, ${text(plan)}::VARCHAR)`,
  );
  return `SELECT * FROM (VALUES ${tuples.join(", ")}) t(customer_id, event_timestamp, created, deleted, price, plan)`;
}
