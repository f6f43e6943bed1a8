import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rename, rm, stat, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { LarderError } from "@larder/schema";
import { findFiles, MODEL_RECORD_FORMAT, type ModelRecord, runOf } from "@larder/serving";
import { readManifest } from "@larder/training-features";

/** A model whose training is to be recorded. Paths are absolute. */
export interface RecordRequest {
  /** An ONNX file, or a folder with one: of MLflow, or of a version. */
  readonly model: string;
  /** Manifest of the training set. */
  readonly manifest: string;
  /** The training run; by default the one that an MLmodel names. */
  readonly runId: string | undefined;
  readonly signal?: AbortSignal;
}

/** A record that was written. */
export interface RecordedModel {
  /** The ONNX file, and the record beside it. */
  readonly file: string;
  readonly record: string;
  readonly content: ModelRecord;
}

/**
 * Writes down beside a model what it was trained on, in place of what was there before.
 * @throws USAGE for a file that is no manifest, SOURCE_UNREADABLE for one that cannot be read or is not whole, MODEL_UNREADABLE, OUTPUT_UNWRITABLE, ABORTED
 */
export async function recordModel({ model, manifest, runId, signal }: RecordRequest): Promise<RecordedModel> {
  const training = await readManifest(manifest);
  if (training === undefined) {
    throw new LarderError("USAGE", {
      what: `${manifest} is no manifest of a training set`,
      remedy: "Name the file that `larder training-set` wrote beside its output, such as train.manifest.json",
      facts: { field: "--manifest" },
    });
  }
  if (training.output.sha256 === null) {
    throw new LarderError("UNSUPPORTED", {
      what: `The training set of ${manifest} was written by a cluster, so there is no hash of it to hold the model to`,
      remedy: "Train on a training set that was written to a file of this machine",
      facts: { field: "--manifest" },
    });
  }
  const name = basename(model);
  const folder = await isFolder(model);
  const { path: file, record } = await findFiles(name, { version: "1", path: model, folder });
  const content: ModelRecord = {
    format: MODEL_RECORD_FORMAT,
    model_sha256: await hashOf(file, signal),
    training_set_sha256: training.output.sha256,
    definitions_hash: training.definitions_hash,
    run_id: runId ?? (folder ? ((await runOf(name, model)) ?? null) : null),
    features: Object.fromEntries(training.features.map(({ feature, meaning }) => [feature, meaning])),
  };
  await replace(record, `${JSON.stringify(content, undefined, 2)}\n`);
  return { file, record, content };
}

async function isFolder(model: string): Promise<boolean> {
  try {
    return (await stat(model)).isDirectory();
  } catch (cause) {
    throw unreadable(model, cause);
  }
}

async function hashOf(file: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash, { signal });
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason;
    throw unreadable(file, cause);
  }
  return hash.digest("hex");
}

/** In one step: a server that looks at the file finds the old record or the new one. */
async function replace(file: string, text: string): Promise<void> {
  const next = `${file}.new`;
  try {
    await writeFile(next, text);
    await rename(next, file);
  } catch (cause) {
    await rm(next, { force: true });
    throw new LarderError("OUTPUT_UNWRITABLE", {
      what: `${file} cannot be written (${codeOf(cause)})`,
      remedy: "Check the rights of the model's folder: the record goes beside the model",
      facts: { file },
      cause,
    });
  }
}

function unreadable(file: string, cause: unknown): LarderError {
  return new LarderError("MODEL_UNREADABLE", {
    what: `${file} cannot be read (${codeOf(cause)})`,
    remedy: "Name an ONNX file, or a folder with one",
    facts: { file },
    cause,
  });
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
}
