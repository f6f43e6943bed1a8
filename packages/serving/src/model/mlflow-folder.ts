import { readdir, readFile } from "node:fs/promises";
import { isAbsolute, join, normalize, sep } from "node:path";
import { LarderError } from "@larder/schema";
import { parse } from "yaml";

/** The file that makes a folder an MLflow model. */
export const MLMODEL = "MLmodel";

/** Largest MLmodel, in bytes: with a signature of thousands of columns it is far below. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * The ONNX file of an MLflow model folder: `data` of its flavour `onnx`.
 * @throws MODEL_UNREADABLE for an MLmodel that is no YAML, has no such flavour, or names a file outside its folder
 */
export async function onnxFileOf(model: string, folder: string): Promise<string> {
  const { flavors } = await readMlModel(model, folder);
  const names = isMapping(flavors) ? Object.keys(flavors) : [];
  const onnx = isMapping(flavors) ? flavors["onnx"] : undefined;
  if (!isMapping(onnx)) {
    const found = names.length === 0 ? "no flavour" : `the flavours ${names.slice(0, 10).join(", ").slice(0, 200)}`;
    throw unreadable(model, folder, `has ${found}, and onnx is none of them`, LOG_IT);
  }
  const { data } = onnx;
  if (typeof data !== "string" || data === "") {
    throw unreadable(model, folder, "does not say where its ONNX file is (flavors.onnx.data)", LOG_IT);
  }
  const inside = normalize(data);
  if (isAbsolute(inside) || inside.split(sep)[0] === "..") {
    throw unreadable(model, folder, "names an ONNX file outside its folder", "Put the file into the folder");
  }
  return join(folder, inside);
}

/** The run that logged an MLflow model; undefined for a folder without MLmodel, or where it names none. @throws MODEL_UNREADABLE */
export async function runOf(model: string, folder: string): Promise<string | undefined> {
  if (!(await readdir(folder)).includes(MLMODEL)) return undefined;
  const { run_id: run } = await readMlModel(model, folder);
  return typeof run === "string" && run !== "" ? run : undefined;
}

const LOG_IT = "Log the model with mlflow.onnx.log_model";

async function readMlModel(model: string, folder: string): Promise<Readonly<Record<string, unknown>>> {
  let document: unknown;
  try {
    const text = await readFile(join(folder, MLMODEL), "utf8");
    if (text.length > MAX_BYTES) throw new Error(`it is longer than ${MAX_BYTES} bytes`);
    document = parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split("\n", 1)[0]?.slice(0, 200);
    throw unreadable(model, folder, `cannot be read: ${reason}`, LOG_IT, cause);
  }
  if (isMapping(document)) return document;
  throw unreadable(model, folder, "is no mapping", LOG_IT);
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unreadable(model: string, folder: string, what: string, remedy: string, cause?: unknown): LarderError {
  return new LarderError("MODEL_UNREADABLE", {
    what: `Model "${model}": ${join(folder, MLMODEL)} ${what}`,
    remedy,
    facts: { model, field: "path" },
    cause,
  });
}
