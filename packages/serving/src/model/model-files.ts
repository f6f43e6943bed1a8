import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { LarderError, type ModelDefinition } from "@larder/schema";
import { fileStamp } from "../watch/file-stamp.ts";
import { MLMODEL, onnxFileOf } from "./mlflow-folder.ts";
import { recordPathOf } from "./model-record.ts";

/** Where a version of a model is. Paths are absolute. */
export interface VersionPlace {
  /** A number: the folder's name, `1` where the model's path is no folder of versions. */
  readonly version: string;
  /** The ONNX file, or the folder that has it. */
  readonly path: string;
  readonly folder: boolean;
}

/** The files of a version. Paths are absolute. */
export interface ModelFiles {
  readonly version: string;
  /** The ONNX file. */
  readonly path: string;
  /** What the file was trained on, if it is there. */
  readonly record: string;
  /** Changes when one of the files does. */
  readonly stamp: string;
}

const VERSION = /^[1-9][0-9]{0,14}$/;

/**
 * The versions of a model, the lowest number first; at least one. A path is an ONNX file, an MLflow model folder, or, as with KServe and Triton, a
 * folder of versions: folders named by numbers, each of which is an MLflow folder or holds one ONNX file. Anything else in there does not count.
 * @throws MODEL_UNREADABLE
 */
export async function locateVersions(model: Pick<ModelDefinition, "name" | "path">): Promise<readonly VersionPlace[]> {
  const { name, path } = model;
  if (!(await isFolder(path, name))) return [{ version: "1", path, folder: false }];
  const names = await namesIn(path, name);
  if (names.includes(MLMODEL)) return [{ version: "1", path, folder: true }];
  const found: VersionPlace[] = [];
  for (const version of names.filter((each) => VERSION.test(each)).sort((a, b) => Number(a) - Number(b))) {
    const folder = join(path, version);
    if (await isFolder(folder, name)) found.push({ version, path: folder, folder: true });
  }
  if (found.length > 0) return found;
  throw unreadable(name, path, "is a folder with neither MLmodel nor a version in it", LAYOUT);
}

/** The files of a version, as they are now. @throws MODEL_UNREADABLE for a folder without an ONNX file, or with several and no MLmodel */
export async function findFiles(model: string, { version, path, folder }: VersionPlace): Promise<ModelFiles> {
  const marks: string[] = [];
  let file = path;
  if (folder) {
    const names = await namesIn(path, model);
    if (names.includes(MLMODEL)) {
      marks.push(await fileStamp(join(path, MLMODEL)));
      file = await onnxFileOf(model, path);
    } else file = join(path, onlyOnnx(model, path, names));
  }
  const record = recordPathOf(file);
  marks.push(await fileStamp(file), await fileStamp(record));
  return { version, path: file, record, stamp: marks.join("\n") };
}

const LAYOUT = "Name an ONNX file, an MLflow model folder, or a folder of versions such as churn/1/model.onnx";

function onlyOnnx(model: string, folder: string, names: readonly string[]): string {
  const [only, ...others] = names.filter((name) => name.endsWith(".onnx"));
  if (only !== undefined && others.length === 0) return only;
  const what = only === undefined ? "has no ONNX file and no MLmodel" : `has ${others.length + 1} ONNX files`;
  throw unreadable(model, folder, what, "Put one ONNX file into the folder, such as model.onnx");
}

async function isFolder(path: string, model: string): Promise<boolean> {
  return reading(path, model, async () => (await stat(path)).isDirectory());
}

function namesIn(folder: string, model: string): Promise<readonly string[]> {
  return reading(folder, model, () => readdir(folder));
}

async function reading<T>(path: string, model: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    throw unreadable(model, path, `cannot be read (${code})`, "Check `path` of the model, and the rights", cause);
  }
}

function unreadable(model: string, path: string, what: string, remedy: string, cause?: unknown): LarderError {
  return new LarderError("MODEL_UNREADABLE", {
    what: `Model "${model}": ${path} ${what}`,
    remedy,
    facts: { model, field: "path" },
    cause,
  });
}
