import { batch } from "./batch.suite.ts";
import { future } from "./future.suite.ts";
import type { ConformanceHarness, It } from "./harness.ts";
import { lifecycle } from "./lifecycle.suite.ts";
import { meta } from "./meta.suite.ts";
import { newestWins } from "./newest-wins.suite.ts";
import { nullValue } from "./null.suite.ts";
import { rowStore } from "./row-store.suite.ts";
import type { Rules } from "./rules.ts";
import { schemaEvolution } from "./schema-evolution.suite.ts";
import { signals } from "./signals.suite.ts";
import { tenant } from "./tenant.suite.ts";
import { tombstone } from "./tombstone.suite.ts";
import { ttl } from "./ttl.suite.ts";
import { inWorld } from "./world.ts";

export type { Backing, ConformanceHarness, It } from "./harness.ts";
export { type HistoryOptions, histories } from "./history.property.ts";
export type { RandomSource } from "./history-steps.ts";

const GROUPS: Readonly<Record<string, (rules: Rules) => void>> = {
  "newest wins": newestWins,
  tombstone,
  null: nullValue,
  ttl,
  future,
  batch,
  tenant,
  "schema evolution": schemaEvolution,
  lifecycle,
  meta,
  signals,
};

/**
 * States the contract of an online store as tests, one per rule; each opens a world of its own. The name of a test starts with its group:
 * `newest wins`, `tombstone`, `null`, `ttl`, `future`, `batch`, `tenant`, `schema evolution`, `lifecycle`, `meta`, `signals` or `row store`.
 */
export function conformance({ it, harness }: { readonly it: It; readonly harness: ConformanceHarness }): void {
  const { capabilities } = harness;
  const groups = harness.hasRowStore ? { ...GROUPS, "row store": rowStore } : GROUPS;
  for (const [group, state] of Object.entries(groups)) {
    state({ capabilities, rule: (name, run) => it(`${group}: ${name}`, () => inWorld(harness, run)) });
  }
}
