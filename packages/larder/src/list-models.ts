import { type Definitions, isLarderError, type LarderError } from "@larder/schema";
import { findFiles, locateVersions, readModelRecord } from "@larder/serving";

/** A version of a model on disk, whether or not it could be served. */
export interface ModelOnDisk {
  readonly model: string;
  /** null where the model's path cannot be looked through. */
  readonly version: string | null;
  /** Absolute path of the ONNX file; null where there is none. */
  readonly file: string | null;
  /** What `larder model add` recorded; null where it did not. */
  readonly trained_on: {
    readonly training_set_sha256: string;
    readonly definitions_hash: string;
    readonly run_id: string | null;
  } | null;
  /** Code of what is wrong with the files; null where nothing is. */
  readonly problem: string | null;
}

/** The versions of every model that `larder serve` would load, with what is recorded of their training. Loads none. */
export async function listModels({ models }: Definitions): Promise<readonly ModelOnDisk[]> {
  const listed: ModelOnDisk[] = [];
  for (const definition of models.values()) {
    const { name: model } = definition;
    const places = await coded(locateVersions(definition));
    if (isLarderError(places)) {
      listed.push({ model, version: null, file: null, trained_on: null, problem: places.code });
      continue;
    }
    for (const place of places.slice(-definition.maxVersions)) {
      const files = await coded(findFiles(model, place));
      const record = isLarderError(files) ? undefined : await coded(readModelRecord(model, files.record));
      const problem = isLarderError(files) ? files.code : isLarderError(record) ? record.code : null;
      const { version } = place;
      const file = isLarderError(files) ? null : files.path;
      listed.push({ model, version, file, trained_on: trainedOn(record), problem });
    }
  }
  return listed;
}

function trainedOn(record: Awaited<ReturnType<typeof readModelRecord>> | LarderError): ModelOnDisk["trained_on"] {
  if (record === undefined || isLarderError(record)) return null;
  const { training_set_sha256, definitions_hash, run_id } = record;
  return { training_set_sha256, definitions_hash, run_id };
}

/** What is wrong with a model is part of the list. */
async function coded<T>(work: Promise<T>): Promise<T | LarderError> {
  try {
    return await work;
  } catch (error) {
    if (isLarderError(error)) return error;
    throw error;
  }
}
