import type { InferenceDatatype } from "@larder/contract";
import type { ElementType } from "../model/model-runner.ts";

/** The Open Inference Protocol's word for each of ONNX's. */
export const DATATYPES: Readonly<Record<ElementType, InferenceDatatype>> = {
  float16: "FP16",
  float32: "FP32",
  float64: "FP64",
  int8: "INT8",
  int16: "INT16",
  int32: "INT32",
  int64: "INT64",
  uint8: "UINT8",
  uint16: "UINT16",
  uint32: "UINT32",
  uint64: "UINT64",
  bool: "BOOL",
  string: "BYTES",
};

/** The protocol's word for a type of a model's file; undefined for what is no tensor, or one the protocol has no word for. */
export function datatypeOf(type: string | undefined): InferenceDatatype | undefined {
  return type !== undefined && Object.hasOwn(DATATYPES, type) ? DATATYPES[type as ElementType] : undefined;
}
