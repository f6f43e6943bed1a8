/** The tensor types that features can become. */
export const TENSOR_TYPES = ["float32", "float64", "int32", "int64", "bool", "string"] as const;

/** One of {@link TENSOR_TYPES}, in ONNX's words. */
export type TensorType = (typeof TENSOR_TYPES)[number];

/** The elements of a tensor, row-major; bool is a byte per element, 0 or 1. */
export type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array | string[];

/** A tensor on its way in or out. */
export interface Tensor {
  readonly type: TensorType;
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

/** A loaded model: knows tensors, and nothing of features. */
export interface ModelRunner {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** SHA-256 (hex) of the bytes that were loaded. */
  readonly version: string;
  /**
   * Runs all inputs for some outputs, each named once. Answers one tensor per name, in the order of `outputs`.
   * @throws MODEL_FAILED, with the runtime's own words as its cause only
   */
  run(feeds: ReadonlyMap<string, Tensor>, outputs: readonly string[]): Promise<readonly Tensor[]>;
  /** Frees the model. Safe to call twice. */
  close(): Promise<void>;
}
