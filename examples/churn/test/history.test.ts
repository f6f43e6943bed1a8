import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { CLOSED_ACCOUNTS, type History, makeHistory } from "../src/history.ts";
import { type Customer, readTelco } from "../src/telco.ts";
import { columnValue, type PublishedRow, VIEWS, type ViewColumn, type ViewName } from "../src/views.ts";

const AS_OF = new Date("2026-03-01T00:00:00Z");
let customers: readonly Customer[];
let history: History;

beforeAll(async () => {
  customers = await readTelco(join(import.meta.dirname, "..", "data", "telco_churn.csv"));
  history = makeHistory(customers, 7, AS_OF);
});

/** The newest row of each customer, by event time and then created time. */
function latest(view: ViewName): ReadonlyMap<number, PublishedRow> {
  const rows = new Map<number, PublishedRow>();
  for (const row of history.rows.get(view) ?? []) {
    const known = rows.get(row.customerId);
    const newer = known === undefined || row.eventTime - known.eventTime || row.created - known.created;
    if (newer === true || Number(newer) > 0) rows.set(row.customerId, row);
  }
  return rows;
}

test("the sample has 7,043 customers, 11 of them without total charges", () => {
  expect(customers).toHaveLength(7043);
  expect(customers[0]).toMatchObject({ id: 1, churned: false, features: { tenure_months: 1, monthly_charges: 29.85 } });
  expect(customers.filter((customer) => customer.features.total_charges === null).map(({ id }) => id)).toEqual([
    489, 754, 937, 1083, 1341, 3332, 3827, 4381, 5219, 6671, 6755,
  ]);
});

test.each(VIEWS)("the newest row of every customer in $name equals the sample", (view) => {
  const rows = latest(view.name);
  const differing = customers.filter((customer) => {
    const row = rows.get(customer.id);
    if (row === undefined) return true;
    return view.columns.some(
      (column) => column.name !== "last_invoice" && columnValue(column, row) !== customer.features[column.name],
    );
  });
  expect(differing.map(({ id }) => id)).toEqual([]);
});

test("every input of the model is in exactly one view", () => {
  const names = VIEWS.flatMap((view) => view.columns.map(({ name }) => name)).filter((name) => name !== "last_invoice");
  expect(names.toSorted()).toEqual(Object.keys(customers[0]?.features ?? {}).toSorted());
});

test("only the closed accounts end with a deletion", () => {
  for (const { name } of VIEWS) {
    const deleted = [...latest(name).values()].filter((row) => row.features === undefined);
    expect(deleted.map((row) => row.customerId).toSorted()).toEqual(
      Array.from({ length: CLOSED_ACCOUNTS }, (_, i) => customers.length + 1 + i),
    );
  }
});

test("every row is known between its event and the as-of date, and all last events are of the month before", () => {
  for (const rows of history.rows.values()) {
    expect(rows.every((row) => row.eventTime < row.created && row.created < AS_OF.getTime())).toBe(true);
  }
  const last = [...latest("billing").values()].map((row) => new Date(row.eventTime).toISOString().slice(0, 7));
  expect(new Set(last)).toEqual(new Set(["2026-02"]));
});

test("some rows come days late and some are corrected under the same event time", () => {
  for (const view of VIEWS) {
    const rows = history.rows.get(view.name) ?? [];
    const late = rows.filter((row) => row.created - row.eventTime > 24 * 3_600_000);
    expect(late.length / rows.length).toBeGreaterThan(0.03);
    expect(late.every((row) => row.late)).toBe(true);
    const first = new Map(rows.filter((row) => !row.late).map((row) => [keyOf(row), row]));
    const corrections = late.filter((row) => first.has(keyOf(row)));
    expect(corrections.length > 100).toBe(view.mistake !== undefined);
    const odd = corrections.filter((row) => {
      const wrong = first.get(keyOf(row));
      return wrong === undefined || wrong.created >= row.created || view.columns.every(sameIn(wrong, row));
    });
    expect(odd).toEqual([]);
    expect(first.size + late.length).toBe(rows.length);
  }
});

/** Customer and event time, in one number that a double holds exactly. */
function keyOf(row: PublishedRow): number {
  return (row.eventTime / 3_600_000) * 10_000 + row.customerId;
}

function sameIn(first: PublishedRow, second: PublishedRow): (column: ViewColumn) => boolean {
  return (column) => columnValue(column, first) === columnValue(column, second);
}

test("tenure grows by one a month while total charges accumulate", () => {
  const billing = Map.groupBy(history.rows.get("billing") ?? [], (row) => row.customerId);
  const odd = customers.filter((customer) => {
    const rows = (billing.get(customer.id) ?? []).toSorted(
      (a, b) => a.eventTime - b.eventTime || a.created - b.created,
    );
    const months = rows.filter((row, i) => row.eventTime !== rows[i + 1]?.eventTime).map((row) => row.features);
    return months.some((month, i) => {
      const before = months[i - 1];
      if (before === undefined || month === undefined) return i > 0;
      return (
        month.tenure_months !== (before.tenure_months ?? 0) + 1 ||
        (month.total_charges ?? 0) <= (before.total_charges ?? 0)
      );
    });
  });
  expect(odd).toEqual([]);
});

test("every customer has a label in the last month that says what the sample says, and earlier ones say that nobody left", () => {
  const lastMonth = history.labels.filter((label) => label.eventTime >= Date.UTC(2026, 1, 1));
  const labels = new Map(lastMonth.filter((label) => label.churn).map((label) => [label.customerId, label]));
  expect([...labels.keys()].toSorted((a, b) => a - b)).toEqual(
    customers.filter((customer) => customer.churned).map(({ id }) => id),
  );
  expect(new Set(lastMonth.map((label) => label.customerId)).size).toBe(customers.length);
  const months = new Set(history.labels.map((label) => new Date(label.eventTime).toISOString().slice(0, 7)));
  expect(months.size).toBeGreaterThanOrEqual(12);
  expect(history.labels.every((label) => label.eventTime < AS_OF.getTime())).toBe(true);
});

test("a history is a function of seed and as-of date", () => {
  const some = customers.slice(0, 200);
  expect(makeHistory(some, 7, AS_OF)).toEqual(makeHistory(some, 7, AS_OF));
  expect(makeHistory(some, 8, AS_OF)).not.toEqual(makeHistory(some, 7, AS_OF));
  expect(makeHistory(some, 7, new Date("2026-04-01"))).not.toEqual(makeHistory(some, 7, AS_OF));
});

test("a customer's history does not depend on who else is in the sample", () => {
  const alone = makeHistory(customers.slice(41, 42), 7, AS_OF)
    .rows.get("services")
    ?.filter((row) => row.customerId === 42);
  expect(alone).toEqual(history.rows.get("services")?.filter((row) => row.customerId === 42));
});
