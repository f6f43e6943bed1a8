import { LarderError } from "@larder/schema";
import { type LintFlags, lintSelection } from "./lint-options.ts";
import type { VerbContext, VerbResult } from "./verb.ts";

/** Options of `larder training-set`. */
export type TrainingSetFlags = LintFlags & {
  readonly entities?: string;
  readonly entitiesSql?: string;
  readonly features?: string;
  readonly service?: string;
  readonly out?: string;
  readonly asOf?: "event_time";
  readonly timestampColumn?: string;
  readonly fullFeatureNames?: boolean;
  readonly split?: string;
  readonly partitionBy?: string;
  readonly reproduce?: string;
};

type Context = VerbContext<TrainingSetFlags>;

/** Builds a training set, or one again. */
export async function runTrainingSet(context: Context): Promise<VerbResult> {
  const { options, file, terminal } = context;
  const { loadDefinitions } = await import("@larder/schema");
  const progress = context.progress("training-set");
  const onProgress = ({ step, fraction }: { readonly step: string; readonly fraction: number }) =>
    progress.update({ fraction, what: step });
  try {
    if (options.reproduce === undefined) return await build(context, onProgress);
    refuseOthers(options);
    const { reproduceTrainingSet } = await import("@larder/training-features");
    const { reproductionText } = await import("./render/training-set-diff-report.ts");
    const report = await reproduceTrainingSet({
      definitions: await loadDefinitions(file, { env: terminal.env }),
      manifest: context.path(options.reproduce),
      tenant: options.tenant,
      out: options.out === undefined ? undefined : context.path(options.out),
      signal: context.signal,
      onProgress,
    });
    return { json: report, text: reproductionText(report, terminal.paint), exitCode: report.reproduced ? 0 : 1 };
  } finally {
    progress.stop();
  }
}

async function build(
  context: Context,
  onProgress: (at: { readonly step: string; readonly fraction: number }) => void,
): Promise<VerbResult> {
  const { options, file, terminal, signal } = context;
  const { loadDefinitions } = await import("@larder/schema");
  const { trainingSetResult } = await import("./render/training-set-report.ts");
  const { createTrainingSet } = await import("../training-set.ts");
  const { selectedFeatures } = await import("./selected-features.ts");
  const { entityInput } = await import("./entity-input.ts");
  if (options.out === undefined) {
    throw new LarderError("INVALID_REQUEST", {
      what: "No output is named",
      remedy: "Say by --out where the training set goes: a .parquet, .csv or .arrow file",
      facts: { field: "out" },
    });
  }
  const selection = selectedFeatures(options);
  const definitions = await loadDefinitions(file, { env: terminal.env });
  const report = await createTrainingSet(definitions, {
    ...options,
    ...selection,
    entities: entityInput(context),
    out: context.path(options.out),
    partitionBy: options.partitionBy?.split(",").map((part) => part.trim()),
    lint: lintSelection(options),
    signal,
    onProgress,
  });
  return trainingSetResult(report, terminal.paint);
}

/** What a manifest says cannot be said in another way, too. @throws INVALID_REQUEST */
function refuseOthers(options: TrainingSetFlags): void {
  const { entities, entitiesSql, features, service, asOf, timestampColumn, fullFeatureNames, split, partitionBy } =
    options;
  const { lint, label, splitColumn, failOn } = options;
  const given = {
    ...{ "--entities": entities, "--entities-sql": entitiesSql, "--features": features, "--service": service },
    ...{ "--as-of": asOf, "--timestamp-column": timestampColumn, "--full-feature-names": fullFeatureNames },
    ...{ "--split": split, "--partition-by": partitionBy, "--lint": lint, "--label": label },
    ...{ "--split-column": splitColumn, "--fail-on": failOn },
  };
  const [flag] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (flag === undefined) return;
  throw new LarderError("INVALID_REQUEST", {
    what: `${flag} is given with --reproduce, which takes from the manifest what to build`,
    remedy: "Leave it out, or build without --reproduce and compare by `larder training-set diff`",
    facts: { field: "reproduce" },
  });
}
