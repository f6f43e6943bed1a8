import { selectionOptions } from "../feature-options.ts";
import { lintOptions } from "../lint-options.ts";
import { runTrainingSet, type TrainingSetFlags } from "../run-training-set.ts";
import { defineVerb } from "../verb.ts";

/** `larder training-set`: a point-in-time join of entity rows with features, or such a join again. */
export const trainingSetVerb = defineVerb<TrainingSetFlags>({
  usage: "training-set",
  summary: "join entity rows with the features known at their time, into Parquet",
  description: `For every row of --entities (a file with the join keys, a timestamp and whatever else, such as a label) or --entities-sql finds the feature
values that were known at that time, never later ones, and writes all columns to --out, with a manifest beside it. Order and duplicates stay;
rows without a match keep nulls. --out is Parquet, CSV or Arrow by its ending. Rows of a query are kept beside it, as <out>.entities.parquet.

A feature row counts from its created time on (when it could be known). --as-of event_time counts it from its event time, as Feast does.

With offline_store.type spark the join runs there (docs/spark.md); --out with a scheme (s3a://lake/train) is a folder that the cluster writes.

--split adds the column split: train or test, with validation between where two shares or times are given. time:0.8 has the first 80 % of the rows to train
on, time:2024-03-01 those before that moment, entity:0.8:SEED 80 % of the entities. --partition-by makes --out a folder with one Parquet file for each value.

--lint looks for leaks: features that are the label or tell it too well, values from after the label, entities on both sides of a split, time zones
mixed up, and more. docs/training-sets.md lists what it can find. --fail-on makes it a step for CI.

--reproduce builds the training set of a manifest again and compares: hashes of inputs, then what the features mean, then the output's bytes. It exits 1 if
any of them differs, and builds nothing where the first two do. With --out the new set stays there; the former one is never changed.`,
  examples: [
    "training-set --entities labels.parquet --service churn_v1 --out train.parquet",
    "training-set --entities labels.parquet --features churn_features:tenure_months --out train.parquet --as-of event_time",
    "training-set --entities-sql \"SELECT * FROM 'labels.parquet' WHERE label IS NOT NULL ORDER BY event_timestamp\" --service churn_v1 --out train.csv",
    "training-set --entities labels.parquet --service churn_v1 --out train --split time:0.7/0.15 --partition-by split",
    "training-set --entities labels.parquet --service churn_v1 --out train.parquet --lint --label churn --fail-on error",
    "training-set --reproduce train.manifest.json",
  ],
  options: (command) =>
    lintOptions(
      selectionOptions(command)
        .option("--entities <file>", "entity rows, as Parquet, CSV or NDJSON")
        .option(
          "--entities-sql <select>",
          "entity rows, as one SELECT of DuckDB; its paths count from the current folder",
        )
        .option("--out <file>", "where the training set goes: .parquet, .csv or .arrow (required, but for --reproduce)")
        .option("--as-of <rule>", "event_time: ignore created times, as Feast does")
        .option("--timestamp-column <name>", "the entity rows' time (default: event_timestamp)")
        .option("--full-feature-names", "name columns view__feature")
        .option("--split <how>", "time:SHARES, time:CUTS or entity:SHARES:SEED; two shares or cuts by a slash")
        .option("--partition-by <columns>", "write a folder of Parquet, one file for each value; several by commas")
        .option("--reproduce <manifest>", "build the training set of this manifest again, and compare"),
    ),
  run: runTrainingSet,
});
