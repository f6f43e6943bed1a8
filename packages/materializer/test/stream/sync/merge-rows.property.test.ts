import { type FeatureRow, parseDefinitions } from "@larder/schema";
import { createRowOrder, openOnlineStore } from "@larder/store-core";
import { logicalClock, propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { mergeRows } from "../../../src/stream/sync/merge-rows.ts";
import { rowsOf } from "../../fixture.ts";

const definitions = parseDefinitions(
  `project: test
online_store: { type: memory }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - name: plans
    entity: customer
    features: [{ name: price, type: float64 }, { name: plan, type: string }]
`,
  { file: "/feature_store.yaml", env: {} },
);
const view = definitions.views.get("plans")!;
const START = 1_704_067_200_000_000;

/** Few of everything, so that all rules of the order decide now and then. */
const someRow = fc.record({
  entityKey: fc.tuple(fc.bigInt({ min: 0n, max: 3n })),
  eventTime: fc.integer({ min: START, max: START + 2 }),
  createdTime: fc.constantFrom(undefined, START, START + 1),
  values: fc.oneof(
    { arbitrary: fc.constant(undefined), weight: 1 },
    {
      arbitrary: fc.tuple(fc.constantFrom(null, 0, -0, 1, Number.NaN), fc.constantFrom(null, "", "a", "b")),
      weight: 4,
    },
  ),
});

test("a merged batch leaves the store as all of its rows do, one after the other", async () => {
  const property = fc.asyncProperty(
    fc.array(someRow, { maxLength: 30 }),
    fc.array(someRow, { maxLength: 5 }),
    async (rows: readonly FeatureRow[], before: readonly FeatureRow[]) => {
      await using merged = await openOnlineStore(definitions, { clock: logicalClock() });
      await using each = await openOnlineStore(definitions, { clock: logicalClock() });
      for (const store of [merged, each]) await store.write(view, before, { tenant: "default" });
      const items = mergeRows(
        view,
        createRowOrder(view),
        rows.map((row) => ({ row })),
      );
      expect(new Set(items.map(({ row }) => row.entityKey[0])).size).toBe(items.length);
      await merged.write(
        view,
        items.map(({ row }) => row),
        { tenant: "default" },
      );
      for (const row of rows) await each.write(view, [row], { tenant: "default" });
      expect(await rowsOf(merged, "plans")).toEqual(await rowsOf(each, "plans"));
    },
  );
  await fc.assert(property, propertySettings(100));
});
