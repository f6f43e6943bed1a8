import { type InferenceInput, type InferenceOutput, InferenceRequest } from "@larder/contract";
import { decodeUtf8, LarderError, parseJson } from "@larder/schema";
import { refuseTooMany } from "../features/entity-columns.ts";
import { type ModelRunner, TENSOR_TYPES, type Tensor, type TensorSpec } from "../model/model-runner.ts";
import { compileBodyCheck } from "../plugins/check-body.ts";
import { emptyBody } from "../plugins/json-body.ts";
import { readBinaryTensor } from "./binary-tensor.ts";
import { datatypeOf } from "./datatype.ts";
import { readJsonTensor } from "./json-tensor.ts";
import { quoted, refused } from "./refusal.ts";

/** One output that a request wants. */
export interface WantedOutput {
  readonly name: string;
  /** As bytes after the JSON, in place of `data`. */
  readonly binary: boolean;
}

/** A request whose every tensor fits the model. */
export interface Inference {
  readonly id: string | undefined;
  readonly feeds: ReadonlyMap<string, Tensor>;
  /** At least one. */
  readonly outputs: readonly WantedOutput[];
  /** What all inputs have as their first size. */
  readonly rows: number;
}

/** Limits of a request. */
export interface InferenceLimits {
  readonly maxRows: number;
  readonly jsonDepth: number;
}

const check = compileBodyCheck(InferenceRequest);

/** Parameters of other servers that change what is answered: to pass over them would be to answer something else. */
const UNSUPPORTED_PARAMETERS = ["classification", "sequence_id", "shared_memory_region"];

/**
 * Reads a body of the Open Inference Protocol for a model: JSON, or with `headerLength` so many bytes of JSON and then the tensors that have a
 * `binary_data_size`, in their order.
 * @throws MALFORMED_REQUEST, INVALID_REQUEST, UNSUPPORTED, PAYLOAD_TOO_LARGE
 */
export function readInference(
  body: Buffer,
  headerLength: string | undefined,
  { inputs, outputs }: Pick<ModelRunner, "inputs" | "outputs">,
  { maxRows, jsonDepth }: InferenceLimits,
): Inference {
  if (body.length === 0) throw emptyBody();
  const length = jsonLength(body, headerLength);
  const request = check(parseJson(decodeUtf8(body.subarray(0, length)), { maxDepth: jsonDepth }));
  refuseParameters("parameters", request.parameters);
  const feeds = new Map<string, Tensor>();
  let rest = body.subarray(length);
  let rows: number | undefined;
  for (const [index, input] of request.inputs.entries()) {
    const field = `inputs.${index}`;
    refuseParameters(`${field}.parameters`, input.parameters);
    if (feeds.has(input.name))
      throw refused(`${field}.name`, `Input ${quoted(input.name)} is given twice`, "Give it once");
    const size = binarySize(input, field, rest.length);
    const tensor = readTensor(input, inputs, field, size === undefined ? undefined : rest.subarray(0, size), maxRows);
    rest = rest.subarray(size ?? 0);
    feeds.set(input.name, tensor);
    rows ??= tensor.dims[0] ?? 1;
    if (rows !== (tensor.dims[0] ?? 1)) {
      const what = `Input ${quoted(input.name)} has ${tensor.dims[0] ?? 1} rows and the one before it ${rows}`;
      throw refused(`${field}.shape`, what, "Give every input the same first size");
    }
  }
  const missing = inputs.find(({ name }) => !feeds.has(name));
  if (missing !== undefined) {
    throw refused("inputs", `Input ${quoted(missing.name)} is missing`, `Give ${names(inputs)}`);
  }
  if (rest.length > 0) {
    throw new LarderError("MALFORMED_REQUEST", {
      what: `${rest.length} bytes follow the last tensor`,
      remedy: "Let binary_data_size of the inputs add up to the bytes after the JSON",
      facts: { field: "body" },
    });
  }
  const byDefault = flag(request.parameters, "binary_data_output", "parameters") ?? false;
  return { id: request.id, feeds, outputs: wanted(request.outputs, outputs, byDefault), rows: rows ?? 1 };
}

function jsonLength(body: Buffer, header: string | undefined): number {
  if (header === undefined) return body.length;
  const length = /^\d{1,15}$/.test(header) ? Number(header) : Number.NaN;
  if (length > 0 && length <= body.length) return length;
  throw new LarderError("MALFORMED_REQUEST", {
    what: `Inference-Header-Content-Length is ${quoted(header)}, and the body has ${body.length} bytes`,
    remedy: "Set it to the length of the JSON in bytes",
    facts: { field: "inference-header-content-length" },
  });
}

/** How many of the bytes after the JSON are this input's; undefined where it has `data`. */
function binarySize({ parameters, data, name }: InferenceInput, field: string, left: number): number | undefined {
  const size = parameters?.["binary_data_size"];
  if ((size === undefined) === (data === undefined)) {
    const what = `Input ${quoted(name)} has ${data === undefined ? "neither data nor" : "both data and"} binary_data_size`;
    throw refused(field, what, "Give one of both");
  }
  if (size === undefined) return undefined;
  if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0 && size <= left) return size;
  throw refused(
    `${field}.parameters.binary_data_size`,
    `binary_data_size of input ${quoted(name)} is ${quoted(String(size))}, and ${left} bytes are left`,
    "Give the bytes of the tensor, and send all of them after the JSON, whose length is in Inference-Header-Content-Length",
  );
}

function readTensor(
  { name, datatype, shape, data }: InferenceInput,
  specs: readonly TensorSpec[],
  field: string,
  bytes: Buffer | undefined,
  maxRows: number,
): Tensor {
  const spec = specs.find((each) => each.name === name);
  const type = TENSOR_TYPES.find((each) => each === spec?.type);
  if (spec === undefined || type === undefined) {
    throw refused(`${field}.name`, `The model has no input ${quoted(name)}`, `Give ${names(specs)}`);
  }
  if (datatype !== datatypeOf(type)) {
    const what = `Input ${quoted(name)} is ${datatype}, and the model takes ${datatypeOf(type)}`;
    throw refused(`${field}.datatype`, what, `Send it as ${datatypeOf(type)}`);
  }
  refuseTooMany(shape[0] ?? 1, maxRows, `${field}.shape`);
  const fits = spec.shape?.every((size, index) => size === undefined || size === shape[index]) ?? true;
  if (!fits || (spec.shape !== undefined && spec.shape.length !== shape.length) || shape.includes(0)) {
    const takes = spec.shape === undefined ? "sizes from 1" : `[${spec.shape.map((size) => size ?? -1).join(", ")}]`;
    const what = `Input ${quoted(name)} has the shape [${shape.slice(0, 8).join(", ")}], and the model takes ${takes}`;
    throw refused(`${field}.shape`, what, "Send that shape; -1 stands for any size from 1");
  }
  // Beyond 2^53 the product is rounded, and larger than any body has elements.
  const count = shape.reduce((product, size) => product * size, 1);
  const elements =
    bytes === undefined
      ? readJsonTensor(type, data ?? [], shape, count, `${field}.data`)
      : readBinaryTensor(type, bytes, count, field);
  return { type, data: elements, dims: shape };
}

function wanted(
  asked: readonly InferenceOutput[] | undefined,
  specs: readonly TensorSpec[],
  byDefault: boolean,
): readonly WantedOutput[] {
  const tensors = specs.filter(({ type }) => datatypeOf(type) !== undefined);
  if (asked === undefined || asked.length === 0) return tensors.map(({ name }) => ({ name, binary: byDefault }));
  const outputs = new Map<string, WantedOutput>();
  for (const [index, { name, parameters }] of asked.entries()) {
    const field = `outputs.${index}`;
    refuseParameters(`${field}.parameters`, parameters);
    if (!tensors.some((spec) => spec.name === name)) {
      throw refused(
        `${field}.name`,
        `The model has no tensor ${quoted(name)} among its outputs`,
        `Ask for ${names(tensors)}`,
      );
    }
    if (outputs.has(name))
      throw refused(`${field}.name`, `Output ${quoted(name)} is asked for twice`, "Ask for it once");
    outputs.set(name, { name, binary: flag(parameters, "binary_data", `${field}.parameters`) ?? byDefault });
  }
  return [...outputs.values()];
}

function flag(parameters: InferenceOutput["parameters"], name: string, field: string): boolean | undefined {
  const value = parameters?.[name];
  if (value === undefined || typeof value === "boolean") return value;
  throw refused(`${field}.${name}`, `"${name}" is neither true nor false`, "Give true or false");
}

function refuseParameters(field: string, parameters: InferenceOutput["parameters"]): void {
  const name = UNSUPPORTED_PARAMETERS.find((each) => parameters?.[each] !== undefined);
  if (name === undefined) return;
  throw new LarderError("UNSUPPORTED", {
    what: `The parameter "${name}" is of a server that Larder is not`,
    remedy: "Leave it out, and take the tensors as they are",
    facts: { field: `${field}.${name}` },
  });
}

function names(specs: readonly TensorSpec[]): string {
  return specs.map(({ name }) => quoted(name)).join(", ");
}
