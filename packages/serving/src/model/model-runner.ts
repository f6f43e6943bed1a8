/** The tensor types that features can become. */
export const TENSOR_TYPES = ["float32", "float64", "int32", "int64", "bool", "string"] as const;

/** One of {@link TENSOR_TYPES}, in ONNX's words. */
export type TensorType = (typeof TENSOR_TYPES)[number];

/** The tensor types that a model can answer with: those of features, and what a caller who asks for tensors can be given. */
export const ELEMENT_TYPES = [
  ...TENSOR_TYPES,
  "float16",
  "int8",
  "int16",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
] as const;

/** One of {@link ELEMENT_TYPES}. */
export type ElementType = (typeof ELEMENT_TYPES)[number];

/** The elements of a tensor, row-major; bool is a byte per element, 0 or 1, and float16 its 16 bits. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | string[];

/** A tensor on its way in or out. */
export interface Tensor {
  readonly type: ElementType;
  readonly data: TensorData;
  readonly dims: readonly number[];
}

/** What a model's file says about one input or output. */
export interface TensorSpec {
  readonly name: string;
  /** ONNX's word for the element type, not only those of {@link TensorType}; undefined for what is no tensor (a sequence, a map). */
  readonly type: string | undefined;
  /** Size per dimension, undefined where it is free; undefined as a whole where the file does not say. */
  readonly shape: readonly (number | undefined)[] | undefined;
}

/** How one run is to go. */
export interface ModelCall {
  /** Aborted when nobody waits for the answer any more. A run that has begun goes on; one that waits is dropped. */
  readonly signal?: AbortSignal;
  /** Until when a run may wait for a thread, as `performance.now()` tells the time. */
  readonly deadline?: number;
  /** Each row is answered by itself, whatever others stand beside it: many rows may be run in several parts. */
  readonly rowwise?: boolean;
}

/** A loaded model: knows tensors, and nothing of features. */
export interface ModelRunner {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** SHA-256 (hex) of the bytes that were loaded. */
  readonly version: string;
  /**
   * Runs all inputs for some outputs, each named once. Answers one tensor per name, in the order of `outputs`.
   * @throws MODEL_FAILED, with the runtime's own words as its cause only, and `facts.input` where it refused these tensors; MODEL_BUSY, ABORTED
   */
  run(feeds: ReadonlyMap<string, Tensor>, outputs: readonly string[], call?: ModelCall): Promise<readonly Tensor[]>;
  /** Frees the model. Safe to call twice. */
  close(): Promise<void>;
}
