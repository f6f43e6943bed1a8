import { selectionOptions } from "../feature-options.ts";
import { collect, defineVerb } from "../verb.ts";

/** `larder get`: entities' features from the online store, or as of a time from Parquet. */
export const getVerb = defineVerb<{
  readonly features?: string;
  readonly service?: string;
  readonly entity?: readonly string[];
  readonly asOf?: string;
}>({
  usage: "get",
  summary: "read entities' features from the online store, or as of a time in the past",
  description: `Prints value, status and event time of each feature. The --entity options together name one entity, one for each join key; a join key that is given
again begins the next entity, and --json then answers all of them under "rows".
A status that is not PRESENT says why there is no value: NOT_FOUND, NULL_VALUE, OUTSIDE_MAX_AGE (past its TTL) or INVALID; \`larder why\` says more.

With --as-of the online store is not asked: the answer is what it would have said at that time, from the Parquet sources, had everything that had happened and
arrived by then been materialized. Rows that were created later do not count, TTLs are counted from that time.`,
  examples: [
    "get --features churn_features:tenure_months,churn_features:contract_type --entity customer_id=12345",
    "get --service churn_v1 --entity customer_id=12345 --json",
    "get --service churn_v1 --entity customer_id=12345 --entity customer_id=12346 --as-of 2026-01-31T12:00:00Z",
  ],
  options: (command) =>
    selectionOptions(command)
      .option("--entity <key=value>", "a join key; repeat for a composite key, and for more entities", collect)
      .option("--as-of <time>", "what would have been answered then; ISO 8601 with a zone, not after now"),
  async run({ file, options, terminal, signal }) {
    const { entityAnswers } = await import("../entity-answers.ts");
    const { entitiesJson, entitiesText } = await import("../render/entity-features.ts");
    const answers = await entityAnswers(file, options, terminal.env, signal);
    return { json: entitiesJson(answers), text: entitiesText(answers) };
  },
});
