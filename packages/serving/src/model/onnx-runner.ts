import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type ErrorFacts, LarderError } from "@larder/schema";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { ELEMENT_TYPES, type ModelRunner, type Tensor, type TensorData, type TensorSpec } from "./model-runner.ts";
import { withoutZipMaps } from "./zip-map.ts";

type Ort = typeof import("onnxruntime-node");

/** A model's file in memory that threads can share. */
export interface ModelFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: SharedArrayBuffer;
  /** SHA-256 (hex) of the bytes. */
  readonly version: string;
}

/**
 * Reads a model's file, once, so that the version is the hash of what every thread loads; weights in separate files are not supported.
 * @throws MODEL_UNREADABLE
 */
export async function readModelFile(model: { readonly name: string; readonly path: string }): Promise<ModelFile> {
  const { name, path } = model;
  let found: Uint8Array;
  try {
    found = await readFile(path);
  } catch (cause) {
    throw unreadable(model, `cannot be read: ${firstLine(cause)}`, cause);
  }
  const bytes = new SharedArrayBuffer(found.length);
  new Uint8Array(bytes).set(found);
  return { name, path, bytes, version: createHash("sha256").update(found).digest("hex") };
}

/**
 * Loads a model into ONNX Runtime, in the thread that calls. One thread per session: a second one buys nothing for small batches and multiplies
 * p99 on a busy machine. `run` holds up its thread until it is done.
 * @throws MODEL_UNREADABLE, MISSING_DEPENDENCY
 */
export async function createOnnxRunner(file: ModelFile): Promise<ModelRunner> {
  const ort = await importRuntime();
  let session: InferenceSession;
  try {
    // The runtime takes no shared memory, and keeps nothing of what it is given.
    session = await ort.InferenceSession.create(withoutZipMaps(new Uint8Array(file.bytes).slice()), {
      executionProviders: ["cpu"],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: "sequential",
      // Errors are thrown; the runtime's own lines on stderr would be in no format.
      logSeverityLevel: 4,
    });
  } catch (cause) {
    throw unreadable(file, `is not a model that ONNX Runtime can load: ${firstLine(cause)}`, cause);
  }
  return new OnnxRunner(ort, session, file);
}

class OnnxRunner implements ModelRunner {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly version: string;
  readonly #ort: Ort;
  readonly #name: string;
  #session: InferenceSession | undefined;

  constructor(ort: Ort, session: InferenceSession, { name, version }: ModelFile) {
    this.#ort = ort;
    this.#session = session;
    this.#name = name;
    this.version = version;
    this.inputs = session.inputMetadata.map(specOf);
    this.outputs = session.outputMetadata.map(specOf);
  }

  async run(feeds: ReadonlyMap<string, Tensor>, outputs: readonly string[]): Promise<readonly Tensor[]> {
    const session = this.#session;
    if (session === undefined) {
      throw new LarderError("MODEL_NOT_READY", {
        what: `Model "${this.#name}" is closed`,
        remedy: "Repeat the request against a server that is not shutting down",
        facts: { model: this.#name },
      });
    }
    const inputs: Record<string, OrtTensor> = {};
    for (const [name, tensor] of feeds) inputs[name] = this.#tensor(tensor);
    let answers: Readonly<Record<string, OrtTensor | undefined>>;
    try {
      answers = (await session.run(inputs, outputs)) as Readonly<Record<string, OrtTensor | undefined>>;
    } catch (cause) {
      throw this.#failed("failed on this input", { input: true }, cause);
    }
    return outputs.map((output) => {
      const answer = answers[output];
      if (answer === undefined || !isElementType(answer.type)) throw this.#failed(`gave no usable output "${output}"`);
      return { type: answer.type, data: dataOf(answer), dims: answer.dims };
    });
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.release();
  }

  #tensor({ type, data, dims }: Tensor): OrtTensor {
    return new this.#ort.Tensor(type as "float32", data as Float32Array, dims);
  }

  #failed(what: string, facts?: ErrorFacts, cause?: unknown): LarderError {
    return new LarderError("MODEL_FAILED", {
      what: `Model "${this.#name}" ${what}`,
      remedy: "See the server's log for the runtime's message; run the model on the same values offline",
      facts: { model: this.#name, ...facts },
      cause,
    });
  }
}

async function importRuntime(): Promise<Ort> {
  try {
    return await import("onnxruntime-node");
  } catch (cause) {
    throw new LarderError("MISSING_DEPENDENCY", {
      what: "Serving a model needs the package onnxruntime-node, which could not be loaded",
      remedy:
        "Run `ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node@1.30.0` (the CPU library is in the package)",
      facts: { package: "onnxruntime-node" },
      cause,
    });
  }
}

function unreadable(
  model: { readonly name: string; readonly path: string },
  what: string,
  cause: unknown,
): LarderError {
  return new LarderError("MODEL_UNREADABLE", {
    what: `Model "${model.name}": ${model.path} ${what}`,
    remedy: "Check `path` of the model and that the file is a complete ONNX export",
    facts: { model: model.name, field: "path" },
    cause,
  });
}

/** ONNX Runtime answers shape [] both for a scalar and for "not stated"; either way nothing is known about dimensions. */
function specOf(metadata: InferenceSession.ValueMetadata): TensorSpec {
  if (!metadata.isTensor) return { name: metadata.name, type: undefined, shape: undefined };
  const shape = metadata.shape.map((size) => (typeof size === "number" && size >= 0 ? size : undefined));
  return { name: metadata.name, type: metadata.type, shape: shape.length === 0 ? undefined : shape };
}

function isElementType(type: string): type is Tensor["type"] {
  return (ELEMENT_TYPES as readonly string[]).includes(type);
}

/** Half precision comes as numbers where the engine has an array for it: the bits are what all engines agree on. */
function dataOf({ type, data }: OrtTensor): TensorData {
  if (type !== "float16" || !ArrayBuffer.isView(data)) return data as TensorData;
  return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / Uint16Array.BYTES_PER_ELEMENT);
}

function firstLine(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return (text.split("\n", 1)[0] ?? "").slice(0, 200);
}
