/** Element types of ONNX tensors by number. */
const ELEMENTS = { float32: 1, uint8: 2, int32: 6, int64: 7, string: 8, bool: 9, float64: 11 } as const;

/** An element type of a test model. */
export type Element = keyof typeof ELEMENTS;

/** A tensor of a test model; a dimension is a size or the name of a free one. */
export interface Tensor {
  readonly name: string;
  readonly type: Element;
  /** undefined leaves the shape out of the file. */
  readonly shape?: readonly (number | string)[];
}

/** A node of a test model. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly domain?: string;
  readonly ints?: Readonly<Record<string, readonly number[]>>;
}

/** An ONNX file that answers each of its inputs by an output named `<input>_out`. */
export function identityModel(inputs: readonly Tensor[]): Buffer {
  return onnxFile({
    inputs,
    outputs: inputs.map((input) => ({ ...input, name: `${input.name}_out` })),
    nodes: inputs.map(({ name }) => ({ op: "Identity", inputs: [name], outputs: [`${name}_out`] })),
  });
}

/**
 * A classifier of the kind that classic converters make: a sequence of maps beside the tensor it is made of. With `mlOnly` nothing in it is of the
 * default domain.
 */
export function zipMapModel({ mlOnly = false } = {}): Buffer {
  return onnxFile({
    inputs: [{ name: "x", type: "float32", shape: ["n", 2] }],
    outputs: [{ name: "raw", type: "float32", shape: ["n", 2] }],
    otherOutputs: { probabilities: mapsType() },
    mlOnly,
    nodes: [
      mlOnly
        ? { op: "Normalizer", domain: "ai.onnx.ml", inputs: ["x"], outputs: ["raw"] }
        : { op: "Identity", inputs: ["x"], outputs: ["raw"] },
      {
        op: "ZipMap",
        domain: "ai.onnx.ml",
        inputs: ["raw"],
        outputs: ["probabilities"],
        ints: { classlabels_int64s: [0, 1] },
      },
    ],
  });
}

/** A model with a sequence of tensors beside a tensor. */
export function sequenceModel(): Buffer {
  return onnxFile({
    inputs: [{ name: "x", type: "float32", shape: ["n", 2] }],
    outputs: [{ name: "raw", type: "float32", shape: ["n", 2] }],
    otherOutputs: { parts: field(4, field(1, tensorType({ name: "part", type: "float32" }))) },
    nodes: [
      { op: "Identity", inputs: ["x"], outputs: ["raw"] },
      { op: "SplitToSequence", inputs: ["x"], outputs: ["parts"] },
    ],
  });
}

/** Encodes a model with the few fields of onnx.proto that these need. */
export function onnxFile(graph: {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Outputs that are no tensors, with their types. */
  readonly otherOutputs?: Readonly<Record<string, Buffer>>;
  readonly nodes: readonly Node[];
  /** Leaves the default operators out. */
  readonly mlOnly?: boolean;
}): Buffer {
  const body = [
    ...graph.nodes.map((node) => field(1, nodeProto(node))),
    field(2, text("test")),
    ...graph.inputs.map((tensor) => field(11, valueInfo(tensor.name, tensorType(tensor)))),
    ...graph.outputs.map((tensor) => field(12, valueInfo(tensor.name, tensorType(tensor)))),
    ...Object.entries(graph.otherOutputs ?? {}).map(([name, type]) => field(12, valueInfo(name, type))),
  ];
  const opset = (domain: string, version: number) =>
    field(8, Buffer.concat([field(1, text(domain)), number(2, version)]));
  const opsets = [...(graph.mlOnly === true ? [] : [opset("", 17)]), opset("ai.onnx.ml", 3)];
  return Buffer.concat([number(1, 8), field(7, Buffer.concat(body)), ...opsets]);
}

function nodeProto({ op, inputs, outputs, domain, ints }: Node): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => field(1, text(name))),
    ...outputs.map((name) => field(2, text(name))),
    field(4, text(op)),
    ...Object.entries(ints ?? {}).map(([name, values]) =>
      field(5, Buffer.concat([field(1, text(name)), ...values.map((value) => number(8, value)), number(20, 7)])),
    ),
    ...(domain === undefined ? [] : [field(7, text(domain))]),
  ]);
}

function valueInfo(name: string, type: Buffer): Buffer {
  return Buffer.concat([field(1, text(name)), field(2, type)]);
}

function tensorType({ type, shape }: Tensor): Buffer {
  const dims = shape?.map((size) => field(1, typeof size === "number" ? number(1, size) : field(2, text(size))));
  const parts = [number(1, ELEMENTS[type]), ...(dims === undefined ? [] : [field(2, Buffer.concat(dims))])];
  return field(1, Buffer.concat(parts));
}

/** A sequence of maps from int64 to float32. */
function mapsType(): Buffer {
  const value = field(1, number(1, ELEMENTS.float32));
  const map = field(5, Buffer.concat([number(1, ELEMENTS.int64), field(2, value)]));
  return field(4, field(1, map));
}

function field(id: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(id * 8 + 2), varint(bytes.length), bytes]);
}

function number(id: number, value: number): Buffer {
  return Buffer.concat([varint(id * 8), varint(value)]);
}

function text(value: string): Buffer {
  return Buffer.from(value);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
