import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/**
 * A classifier's file with its ZipMaps taken out: each becomes an Identity, so that the output of its name is the tensor [n, classes] it was made of
 * instead of a sequence of maps, which ONNX Runtime hands to nobody here. The columns are in the order of the map's labels. Bytes without a ZipMap
 * are answered as they are, and what is no ONNX is left to the runtime to refuse. No operator takes such a sequence, so nothing else changes.
 */
export function withoutZipMaps(model: Uint8Array): Uint8Array {
  if (!Buffer.from(model.buffer, model.byteOffset, model.byteLength).includes(OP)) return model;
  try {
    const parts = partsOf(model);
    const graph = parts.find((part) => part.no === MODEL.graph && part.bytes !== undefined)?.bytes;
    const rewritten = graph === undefined ? undefined : rewriteGraph(graph);
    if (rewritten === undefined) return model;
    const writer = new BinaryWriter();
    for (const part of parts) {
      if (part.no === MODEL.graph) writer.tag(MODEL.graph, WireType.LengthDelimited).bytes(rewritten);
      else copy(writer, part);
    }
    // A model may use operators of ai.onnx.ml alone; Identity is of the default domain.
    if (!importsDefaultDomain(parts)) {
      const opset = new BinaryWriter().tag(OPSET.domain, WireType.LengthDelimited).string("");
      writer
        .tag(MODEL.opset, WireType.LengthDelimited)
        .bytes(opset.tag(OPSET.version, WireType.Varint).int64(13).finish());
    }
    return writer.finish();
  } catch {
    // Broken bytes: ONNX Runtime says what is wrong with them.
    return model;
  }
}

const OP = "ZipMap";
const FLOAT = 1;

// Field numbers of onnx.proto.
const MODEL = { graph: 7, opset: 8 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const GRAPH = { node: 1, output: 12 } as const;
const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE = { ints: 8, strings: 9 } as const;
const VALUE = { name: 1, type: 2 } as const;
const TYPE = { tensor: 1 } as const;
const TENSOR = { element: 1, shape: 2 } as const;
const SHAPE = { dimension: 1 } as const;
const DIMENSION = { value: 1, name: 2 } as const;

/** One field of a message; `bytes` are its content where it is length-delimited, `raw` what follows its tag. */
interface Part {
  readonly no: number;
  readonly wire: WireType;
  readonly raw: Uint8Array;
  readonly bytes: Uint8Array | undefined;
}

interface ZipMap {
  readonly input: string;
  readonly output: string;
  readonly classes: number;
}

/** undefined where nothing can be rewritten. */
function rewriteGraph(graph: Uint8Array): Uint8Array | undefined {
  const parts = partsOf(graph);
  const zipMaps = new Map<Part, ZipMap>();
  for (const part of parts) {
    if (part.no !== GRAPH.node || part.bytes === undefined) continue;
    const node = partsOf(part.bytes);
    const [op] = texts(node, NODE.op);
    const [input] = texts(node, NODE.input);
    const [output] = texts(node, NODE.output);
    if (op !== OP || input === undefined || output === undefined) continue;
    zipMaps.set(part, { input, output, classes: classCount(node) });
  }
  if (zipMaps.size === 0) return undefined;
  const byOutput = new Map([...zipMaps.values()].map((zipMap) => [zipMap.output, zipMap]));

  const writer = new BinaryWriter();
  for (const part of parts) {
    const zipMap = zipMaps.get(part);
    const [name] = part.no === GRAPH.output && part.bytes !== undefined ? texts(partsOf(part.bytes), VALUE.name) : [];
    const output = name === undefined ? undefined : byOutput.get(name);
    if (zipMap !== undefined) writer.tag(GRAPH.node, WireType.LengthDelimited).bytes(identity(zipMap));
    else if (output !== undefined) writer.tag(GRAPH.output, WireType.LengthDelimited).bytes(tensorOutput(output));
    else copy(writer, part);
  }
  return writer.finish();
}

function identity({ input, output }: ZipMap): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(NODE.input, WireType.LengthDelimited).string(input);
  writer.tag(NODE.output, WireType.LengthDelimited).string(output);
  writer.tag(NODE.op, WireType.LengthDelimited).string("Identity");
  return writer.finish();
}

/** `name: float32 [n, classes]`. */
function tensorOutput({ output, classes }: ZipMap): Uint8Array {
  const rows = new BinaryWriter().tag(DIMENSION.name, WireType.LengthDelimited).string("n").finish();
  const columns = new BinaryWriter().tag(DIMENSION.value, WireType.Varint).int64(classes).finish();
  const shape = new BinaryWriter()
    .tag(SHAPE.dimension, WireType.LengthDelimited)
    .bytes(rows)
    .tag(SHAPE.dimension, WireType.LengthDelimited)
    .bytes(columns)
    .finish();
  const tensor = new BinaryWriter()
    .tag(TENSOR.element, WireType.Varint)
    .int32(FLOAT)
    .tag(TENSOR.shape, WireType.LengthDelimited)
    .bytes(shape)
    .finish();
  const type = new BinaryWriter().tag(TYPE.tensor, WireType.LengthDelimited).bytes(tensor).finish();
  const writer = new BinaryWriter().tag(VALUE.name, WireType.LengthDelimited).string(output);
  return writer.tag(VALUE.type, WireType.LengthDelimited).bytes(type).finish();
}

/** A ZipMap's labels are an attribute of integers, packed or one by one, or of strings. */
function classCount(node: readonly Part[]): number {
  let count = 0;
  for (const { no, bytes } of node) {
    if (no !== NODE.attribute || bytes === undefined) continue;
    for (const part of partsOf(bytes)) {
      if (part.no === ATTRIBUTE.strings) count++;
      else if (part.no === ATTRIBUTE.ints) count += part.bytes === undefined ? 1 : varintCount(part.bytes);
    }
  }
  return count;
}

function varintCount(bytes: Uint8Array): number {
  return bytes.filter((byte) => byte < 0x80).length;
}

function importsDefaultDomain(parts: readonly Part[]): boolean {
  const opsets = parts.flatMap(({ no, bytes }) => (no === MODEL.opset && bytes !== undefined ? [partsOf(bytes)] : []));
  return opsets.some((opset) => (texts(opset, OPSET.domain)[0] ?? "") === "");
}

function texts(parts: readonly Part[], no: number): string[] {
  return parts.flatMap((part) =>
    part.no === no && part.bytes !== undefined ? [Buffer.from(part.bytes).toString("utf8")] : [],
  );
}

function partsOf(message: Uint8Array): readonly Part[] {
  const reader = new BinaryReader(message);
  const parts: Part[] = [];
  while (reader.pos < reader.len) {
    const [no, wire] = reader.tag();
    const start = reader.pos;
    const bytes = wire === WireType.LengthDelimited ? reader.bytes() : undefined;
    if (bytes === undefined) reader.skip(wire, no);
    parts.push({ no, wire, raw: message.subarray(start, reader.pos), bytes });
  }
  return parts;
}

function copy(writer: BinaryWriter, { no, wire, raw }: Part): void {
  writer.tag(no, wire).raw(raw);
}
