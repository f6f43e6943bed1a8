import { selectionOptions } from "../feature-options.ts";
import { type LintFlags, lintOptions, lintSelection } from "../lint-options.ts";
import { defineVerb } from "../verb.ts";

/** `larder training-set`: a point-in-time join of entity rows with features. */
export const trainingSetVerb = defineVerb<
  LintFlags & {
    readonly entities?: string;
    readonly entitiesSql?: string;
    readonly features?: string;
    readonly service?: string;
    readonly out: string;
    readonly asOf?: "event_time";
    readonly timestampColumn: string;
    readonly fullFeatureNames?: boolean;
  }
>({
  usage: "training-set",
  summary: "join entity rows with the features known at their time, into Parquet",
  description: `For every row of --entities (a file with the join keys, a timestamp and whatever else, such as a label) or --entities-sql finds the feature
values that were known at that time, never later ones, and writes all columns to --out, with a manifest beside it. Order and duplicates stay;
rows without a match keep nulls. --out is Parquet, CSV or Arrow by its ending. Rows of a query are kept beside it, as <out>.entities.parquet.

A feature row counts from its created time on (when it could be known). --as-of event_time counts it from its event time, as Feast does.

With offline_store.type spark the join runs there (docs/spark.md); --out with a scheme (s3a://lake/train) is a folder that the cluster writes.

--lint looks for leaks: features that are the label or tell it too well, values from after the label, entities on both sides of a split, time zones
mixed up, and more. docs/training-sets.md lists what it can find. --fail-on makes it a step for CI.`,
  examples: [
    "training-set --entities labels.parquet --service churn_v1 --out train.parquet",
    "training-set --entities labels.parquet --features churn_features:tenure_months --out train.parquet --as-of event_time",
    "training-set --entities-sql \"SELECT * FROM 'labels.parquet' WHERE label IS NOT NULL ORDER BY event_timestamp\" --service churn_v1 --out train.csv",
    "training-set --entities labels.parquet --service churn_v1 --out train.parquet --lint --label churn --fail-on error",
  ],
  options: (command) =>
    lintOptions(
      selectionOptions(command)
        .option("--entities <file>", "entity rows, as Parquet, CSV or NDJSON")
        .option(
          "--entities-sql <select>",
          "entity rows, as one SELECT of DuckDB; its paths count from the current folder",
        )
        .option("--out <file>", "where the training set goes: .parquet, .csv or .arrow (required)")
        .option("--as-of <rule>", "event_time: ignore created times, as Feast does")
        .option("--timestamp-column <name>", "the entity rows' time", "event_timestamp")
        .option("--full-feature-names", "name columns view__feature"),
    ),
  required: ["--out"],
  async run(context) {
    const { options, file, terminal, signal } = context;
    const { loadDefinitions } = await import("@larder/schema");
    const { trainingSetResult } = await import("../render/training-set-report.ts");
    const { createTrainingSet } = await import("../../training-set.ts");
    const { selectedFeatures } = await import("../selected-features.ts");
    const { entityInput } = await import("../entity-input.ts");
    const selection = selectedFeatures(options);
    const definitions = await loadDefinitions(file, { env: terminal.env });
    const progress = context.progress("training-set");
    try {
      const report = await createTrainingSet(definitions, {
        ...options,
        ...selection,
        entities: entityInput(context),
        out: context.path(options.out),
        lint: lintSelection(options),
        signal,
        onProgress: ({ step, fraction }) => progress.update({ fraction, what: step }),
      });
      return trainingSetResult(report, terminal.paint);
    } finally {
      progress.stop();
    }
  },
});
