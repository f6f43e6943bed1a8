import { selectionOptions } from "../feature-options.ts";
import { collect, defineVerb } from "../verb.ts";

/** `larder get`: one entity's features from the online store. */
export const getVerb = defineVerb<{
  readonly features?: string;
  readonly service?: string;
  readonly entity?: readonly string[];
}>({
  usage: "get",
  summary: "read one entity's features from the online store",
  description: `Prints value, status and event time of each feature. The --entity options together name one entity: one for each join key.
A status that is not PRESENT says why there is no value: NOT_FOUND, NULL_VALUE, OUTSIDE_MAX_AGE (past its TTL) or INVALID; \`larder why\` says more.`,
  examples: [
    "get --features churn_features:tenure_months,churn_features:contract_type --entity customer_id=12345",
    "get --service churn_v1 --entity customer_id=12345 --json",
  ],
  options: (command) =>
    selectionOptions(command).option("--entity <key=value>", "a join key; repeat for a composite key", collect),
  async run({ file, options, terminal, signal }) {
    const { selectedFeatures } = await import("../selected-features.ts");
    const { wholeEntityRow } = await import("../entity-option.ts");
    const { renderTable } = await import("../render/table.ts");
    const { FeatureStore } = await import("../../feature-store.ts");
    const selection = selectedFeatures(options);
    await using store = await FeatureStore.open(file, { tenant: options.tenant, int64: "bigint", env: terminal.env });
    const row = wholeEntityRow(options.entity ?? [], store.joinKeys(selection));
    const answer = await store.getOnlineFeatures({ ...selection, entityRows: [row], signal });
    const [values = {}] = answer.toRows();
    const features = Object.entries(answer.statuses).map(([name, [status]]) => ({
      name,
      value: values[name],
      status,
      event_timestamp: answer.eventTimestamps[name]?.[0] ?? null,
    }));
    return {
      json: { entity: row, features, degraded: answer.degraded },
      text: renderTable(
        ["feature", "value", "status", "event_timestamp"],
        features.map(({ name, value, status, event_timestamp }) => [name, value, status, event_timestamp ?? ""]),
      ),
    };
  },
});
