import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CHURN, FEATURE_NAMES, writeRows } from "../support/churn.ts";
import { openWorld, type World } from "../support/world.ts";

/** Customers 0 to 39 have rows with nulls in places that their number decides; higher ones have none. */
const STOCKED = 40;
const rows = Array.from({ length: STOCKED }, (_, customer) =>
  FEATURE_NAMES.map((_name, column) =>
    (customer * 7 + column * 3) % 11 === 0 ? null : ((customer + 1) * (column + 2)) % 50,
  ),
);

let world: World;
beforeAll(async () => {
  world = await openWorld(CHURN);
  // Every third customer has whole rows, so that rows which may run and rows which may not take turns.
  await writeRows(
    world,
    "floats",
    rows.map((row, customer) => (customer % 3 === 0 ? row.map((value) => value ?? 1) : row)),
  );
});
afterAll(() => world[Symbol.asyncDispose]());

test("every row of a batch gets what it gets alone, whatever its neighbours, under every rule for missing values", async () => {
  const alone = new Map<string, unknown>();
  const single = async (model: string, customer_id: number) => {
    const key = `${model} ${customer_id}`;
    if (!alone.has(key)) alone.set(key, (await world.post(`/models/${model}/predict`, { customer_id })).json().p);
    return alone.get(key);
  };
  const batches = fc.array(fc.nat(STOCKED + 5), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("reject", "default", "nan"), batches, async (model, customers) => {
      const entity_rows = customers.map((customer_id) => ({ customer_id }));
      const answer = (await world.post(`/models/${model}/predict`, { entity_rows })).json();
      const expected = await Promise.all(customers.map((customer) => single(model, customer)));
      expect(answer.predictions).toEqual(expected.map((p) => (p === null ? null : { p })));
      const refused = expected.flatMap((p, row) => (p === null ? [row] : []));
      expect((answer.errors ?? []).map(({ row }: { row: number }) => row)).toEqual(refused);
    }),
    propertySettings(60),
  );
  const seen = [...alone.values()];
  expect(seen.some((p) => p === null) && seen.some((p) => p !== null)).toBe(true);
});
