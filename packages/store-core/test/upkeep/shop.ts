import { type Definitions, type FeatureRow, parseDefinitions } from "@larder/schema";
import { DAY, HOUR, movableClock, START } from "../../conformance/harness.ts";
import type { ConformanceHarness } from "../../conformance/index.ts";
import { createPackedOnlineStore } from "../../src/packed-online-store.ts";
import type { RowStore } from "../../src/row-store.ts";
import { paceOf } from "../../src/upkeep/pace.ts";

export { DAY, HOUR, START };

/** Views that live an hour, a month and for ever; tenants as a test wants them. */
export function shopDefinitions(tenants = "default: {}", views = ""): Definitions {
  const view = (name: string, rest: string) =>
    `  - { name: ${name}, entity: customer, keep_stale: 0, ${rest}features: [{ name: x, type: string }] }\n`;
  const text = `project: upkeep
online_store: { type: memory }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
feature_views:
${view("hour", "ttl: 1h, ")}${view("month", "ttl: 30d, ")}${view("ever", "tombstone_retention: 1d, ")}${views}
tenants:
  ${tenants}
`;
  return parseDefinitions(text, { file: "feature_store.yaml", env: {} });
}

/** A store with the port below it, a clock, and the words of these tests. */
export async function openShop(harness: ConformanceHarness, definitions = shopDefinitions()) {
  const backing = await harness.create();
  const clock = movableClock();
  const views = [...definitions.views.keys()];
  const rowStore = (await backing.openRows?.(views)) as RowStore;
  const store = createPackedOnlineStore({ definitions, rowStore, clock });
  return {
    definitions,
    rowStore,
    store,
    clock,
    backing,
    pace: paceOf(1, undefined),
    write: (view: string, rows: readonly FeatureRow[], tenant = "default", writer = store) =>
      writer.write(definitions.views.get(view) as never, rows, { tenant }),
    /** `view key` of every row, in order. */
    async rows(tenant = "default"): Promise<string[]> {
      const found: string[] = [];
      for await (const row of rowStore.scan({ project: definitions.project, tenant }, { tenant })) {
        found.push(`${row.view} ${row.entityKey}`);
      }
      return found.sort();
    },
    async [Symbol.asyncDispose]() {
      await rowStore.close();
      await backing.remove();
    },
  };
}

/** A row of a customer; no text makes a tombstone. */
export function row(customer: number, eventTime: number, text?: string): FeatureRow {
  return {
    entityKey: [BigInt(customer)],
    eventTime,
    createdTime: undefined,
    values: text === undefined ? undefined : [text],
  };
}
