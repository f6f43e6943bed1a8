import { findFeature, isLarderError, type LarderError } from "@larder/schema";
import { expect, test } from "vitest";
import { createReadPlan } from "../../src/plan/create-read-plan.ts";
import { encodeEntityColumns, encodeEntityRows } from "../../src/plan/encode-entities.ts";
import { definitionsOf } from "../definitions.ts";

const definitions = definitionsOf(`
  - { name: a, entity: customer, features: [{ name: x, type: int64 }, { name: label, type: string }] }
  - { name: b, entity: customer, features: [{ name: x, type: int64 }] }
  - { name: pair, entities: [shop, customer], features: [{ name: z, type: bool }] }
  - { name: shops, entity: shop, features: [{ name: customer_id, type: int64 }] }
  - { name: none, entities: [], features: [{ name: w, type: bool }] }
`);
const planOf = (...features: string[]) =>
  createReadPlan(
    definitions,
    features.map((name) => findFeature(definitions, name)),
    { fullFeatureNames: false },
  );

function errorOf(run: () => unknown): LarderError {
  try {
    run();
  } catch (error) {
    if (isLarderError(error)) return error;
    throw error;
  }
  throw new Error("It did not fail");
}

test("views that share their join keys share a group, and columns keep the order they were asked for in", () => {
  const plan = planOf("a:label", "pair:z", "b:x", "none:w");
  expect(plan.columns.map(({ name, view }) => [name, view])).toEqual([
    ["label", 0],
    ["z", 1],
    ["x", 2],
    ["w", 3],
  ]);
  expect(plan.groups.map(({ views }) => views.map((view) => view.name))).toEqual([["a", "b"], ["pair"], ["none"]]);
  expect(plan.joinKeys.map(({ name }) => name)).toEqual(["customer_id", "shop_id"]);
});

test("two columns of one name are refused, full names tell them apart", () => {
  expect(errorOf(() => planOf("a:x", "b:x"))).toMatchObject({ code: "FEATURE_NAME_COLLISION" });
  const refs = ["a:x", "b:x"].map((name) => findFeature(definitions, name));
  const plan = createReadPlan(definitions, refs, { fullFeatureNames: true });
  expect(plan.columns.map(({ name }) => name)).toEqual(["a__x", "b__x"]);
});

test("a feature of a join key's name is refused where both would be columns", () => {
  expect(errorOf(() => planOf("shops:customer_id", "a:x"))).toMatchObject({ code: "FEATURE_NAME_COLLISION" });
  expect(planOf("shops:customer_id").columns.map(({ name }) => name)).toEqual(["customer_id"]);
});

test("an empty feature list is refused", () => {
  expect(errorOf(() => planOf()).code).toBe("INVALID_REQUEST");
});

test("entity columns and entity rows encode to the same keys", () => {
  const plan = planOf("a:x", "pair:z");
  const keys = {
    rowCount: 2,
    groups: [
      ["1", "9007199254740993"],
      ["1,sx", "9007199254740993,sy"],
    ],
  };
  expect(
    encodeEntityColumns(plan, { customer_id: [1, "9007199254740993"], shop_id: ["x", "y"], more: [0, 0] }),
  ).toEqual(keys);
  const rows = [
    { customer_id: 1, shop_id: "x" },
    { customer_id: 9007199254740993n, shop_id: "y" },
  ];
  expect(encodeEntityRows(plan, rows)).toEqual(keys);
});

test("a view without entities has the empty key for every row", () => {
  expect(encodeEntityRows(planOf("none:w"), [{}, {}])).toEqual({ rowCount: 2, groups: [["", ""]] });
});

test.each<[string, Record<string, unknown[]>, string]>([
  ["a missing join key", { customer_id: [1] }, "shop_id"],
  ["columns of different lengths", { customer_id: [1, 2], shop_id: ["x"] }, "entities.shop_id"],
  ["a fraction for an integer key", { customer_id: [1.5], shop_id: ["x"] }, "customer_id"],
  ["null for a key", { customer_id: [1], shop_id: [null] }, "shop_id"],
  ["a number for a text key", { customer_id: [1], shop_id: [1] }, "shop_id"],
  ["an integer beyond int64", { customer_id: ["9223372036854775808"], shop_id: ["x"] }, "customer_id"],
])("%s is refused and named", (_name, columns, field) => {
  const error = errorOf(() => encodeEntityColumns(planOf("pair:z"), columns));
  expect(error.code).toBe("INVALID_REQUEST");
  expect(error.facts["field"]).toBe(field);
});
