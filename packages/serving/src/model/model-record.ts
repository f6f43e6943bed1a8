import { readFile } from "node:fs/promises";
import {
  compareFeatureMeanings,
  type Definitions,
  type FeatureMeaning,
  type FeatureRef,
  isFeatureMeaning,
  LarderError,
  type ModelDefinition,
  meaningOfFeature,
  type Problem,
} from "@larder/schema";
import { featureName } from "./bind-inputs.ts";

/** Version of the record's format. */
export const MODEL_RECORD_FORMAT = "larder.model/1";

/** What a model was trained on: the file that `larder model add` writes beside it. Hashes are SHA-256 in hex. */
export interface ModelRecord {
  readonly format: typeof MODEL_RECORD_FORMAT;
  /** Of the ONNX file that the record is about. */
  readonly model_sha256: string;
  /** Of the training set's Parquet file. */
  readonly training_set_sha256: string;
  /** Of the definitions that the training set was joined with. */
  readonly definitions_hash: string;
  /** The training run that made the model, in the words of whoever runs trainings. */
  readonly run_id: string | null;
  /** `view:feature` -> what it meant in the training set. */
  readonly features: Readonly<Record<string, FeatureMeaning>>;
}

/** The record's path: `churn.onnx` has `churn.larder.json` beside it. */
export function recordPathOf(onnxFile: string): string {
  return `${onnxFile.replace(/\.onnx$/i, "")}.larder.json`;
}

/** Reads the record of a model; undefined where there is none. @throws MODEL_UNREADABLE for a file that is no such record */
export async function readModelRecord(model: string, path: string): Promise<ModelRecord | undefined> {
  let record: unknown;
  try {
    record = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw unreadable(model, path, cause);
  }
  if (isRecord(record)) return record;
  throw unreadable(model, path);
}

/**
 * Checks that a model's record is about its file, and that the features its inputs take mean what they meant in the training set.
 * @throws MODEL_MISMATCH, MODEL_TRAINED_ON_OTHER_DEFINITIONS with every difference
 */
export function checkRecord(
  { hash }: Definitions,
  { name, place }: ModelDefinition,
  record: ModelRecord,
  path: string,
  checksum: string,
  refs: readonly FeatureRef[],
): void {
  if (record.model_sha256 !== checksum) {
    throw new LarderError("MODEL_MISMATCH", {
      what: `Model "${name}": ${path} is about another file than the one beside it`,
      remedy: "Record the model that is there with `larder model add`",
      facts: { model: name, field: "model_sha256" },
    });
  }
  if (record.definitions_hash === hash) return;
  const problems = refs.flatMap((ref) => differences(ref, record.features[featureName(ref)]));
  const [first] = problems;
  if (first === undefined) return;
  const more = problems.length === 1 ? "" : ` (and ${problems.length - 1} more)`;
  throw new LarderError("MODEL_TRAINED_ON_OTHER_DEFINITIONS", {
    what: `${place}: model "${name}" was trained on other definitions: ${first.field} ${first.what}${more}`,
    remedy: "Train it on a training set of these definitions, or serve it with those it was trained on",
    facts: { model: name, field: first.field, trained: record.definitions_hash, definitions: hash },
    problems,
  });
}

function differences(ref: FeatureRef, trained: FeatureMeaning | undefined): readonly Problem[] {
  const field = featureName(ref);
  const remedy = "Train the model again, or undo the change";
  const found =
    trained === undefined ? ["was not in the training set"] : compareFeatureMeanings(trained, meaningOfFeature(ref));
  return found.map((what) => ({ place: ref.feature.place, field, what, remedy }));
}

function isRecord(value: unknown): value is ModelRecord {
  if (typeof value !== "object" || value === null) return false;
  const { format, model_sha256, training_set_sha256, definitions_hash, run_id, features } = value as Partial<
    Record<keyof ModelRecord, unknown>
  >;
  const texts = [model_sha256, training_set_sha256, definitions_hash, run_id ?? ""];
  if (format !== MODEL_RECORD_FORMAT || !texts.every((text) => typeof text === "string")) return false;
  return typeof features === "object" && features !== null && Object.values(features).every(isFeatureMeaning);
}

function unreadable(model: string, path: string, cause?: unknown): LarderError {
  return new LarderError("MODEL_UNREADABLE", {
    what: `Model "${model}": ${path} is no record of a model of the format ${MODEL_RECORD_FORMAT}`,
    remedy: "Write it with `larder model add`, or remove it",
    facts: { model, field: "path" },
    cause,
  });
}
