import { type Clock, type Definitions, LarderError, systemClock } from "@larder/schema";
import type { AsOf, EntityInput, TrainingSetProgress, TrainingSetReport } from "@larder/training-features";
import { type FeatureSelection, selectFeatures } from "./read-plans.ts";

/** A training set by the names of its features. Paths count from the current folder. */
export interface TrainingSetOptions extends FeatureSelection {
  /**
   * Entity rows: the join keys, a time, and whatever else, such as a label. A Parquet, CSV or NDJSON file; `{ sql }`, one SELECT of DuckDB; or `{ rows }` in
   * memory, from an array or any iterator.
   */
  readonly entities: EntityInput;
  /** Parquet, CSV or Arrow file to write, by its extension; the manifest goes beside it. */
  readonly out: string;
  /** `event_time` ignores created times, as Feast does. Default `bitemporal`: what was known at the row's time. */
  readonly asOf?: AsOf | undefined;
  /** Column of `entities` with the row's time. Default `event_timestamp`. */
  readonly timestampColumn?: string | undefined;
  /**
   * Adds the column `split` with `train`, `validation` (where two shares or times are given) and `test`: `time:0.8`, `time:0.7/0.15`, `time:2024-03-01`,
   * `entity:0.8`, `entity:0.7/0.15:seed`.
   */
  readonly split?: string | undefined;
  /** Makes `out` a folder of Parquet with one file for each combination of these columns' values. */
  readonly partitionBy?: readonly string[] | undefined;
  /** Looks for leaks and other usual mistakes; `{}` for what needs no label. Default: not. */
  readonly lint?: LintSelection | undefined;
  readonly tenant: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TrainingSetProgress) => void) | undefined;
}

/** What the linter is told. */
export interface LintSelection {
  /** Column of the entity rows with the label. */
  readonly label?: string | undefined;
  /** Column that says `train` in the rows to train on, and another word in those held out. */
  readonly splitColumn?: string | undefined;
  /** `error` or `warning`: fails with LEAK_FOUND and writes nothing if there is such a finding, or a graver one. */
  readonly failOn?: string | undefined;
}

/** Builds it; DuckDB is loaded when this is called. @throws what `buildTrainingSet` and {@link selectFeatures} throw */
export async function createTrainingSet(
  definitions: Definitions,
  options: TrainingSetOptions,
  clock: Clock = systemClock,
): Promise<TrainingSetReport> {
  const { asOf = "bitemporal", featureService, fullFeatureNames, timestampColumn, signal, onProgress } = options;
  if (asOf !== "bitemporal" && asOf !== "event_time") {
    throw new LarderError("INVALID_REQUEST", {
      what: `"${String(asOf).slice(0, 100)}" is no rule for a training set`,
      remedy: "Use bitemporal (the default) or event_time",
      facts: { field: "as_of" },
    });
  }
  const { label, splitColumn, failOn } = options.lint ?? {};
  if (failOn !== undefined && failOn !== "error" && failOn !== "warning") {
    throw new LarderError("INVALID_REQUEST", {
      what: `"${String(failOn).slice(0, 100)}" is no severity to fail on`,
      remedy: "Use error or warning",
      facts: { field: "fail_on" },
    });
  }
  const features = selectFeatures(definitions, options);
  const { buildTrainingSet } = await import("@larder/training-features");
  return buildTrainingSet({
    definitions,
    features,
    asOf,
    entities: options.entities,
    out: options.out,
    tenant: options.tenant,
    ...(featureService === undefined ? {} : { service: featureService }),
    ...(fullFeatureNames === undefined ? {} : { fullFeatureNames }),
    ...(timestampColumn === undefined ? {} : { timestampColumn }),
    ...(options.split === undefined ? {} : { split: options.split }),
    ...(options.partitionBy === undefined ? {} : { partitionBy: options.partitionBy }),
    ...(options.lint === undefined ? {} : { lint: { label, splitColumn, failOn, clock } }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
}
