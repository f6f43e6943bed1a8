import { BINARY_MEDIA_TYPE, JSON_MEDIA_TYPE } from "@larder/contract";
import type { Tensor } from "../model/model-runner.ts";
import { writeBinaryTensor } from "./binary-tensor.ts";
import { DATATYPES } from "./datatype.ts";
import { writeJsonTensor } from "./json-tensor.ts";
import type { WantedOutput } from "./read-inference.ts";

/** An answer of the Open Inference Protocol. */
export interface InferenceText {
  readonly contentType: string;
  readonly body: string | Buffer;
  /** Length of the JSON in bytes, where bytes of tensors follow it. */
  readonly headerLength: number | undefined;
}

/** Writes what a model said, each output as it was asked for and in that order. */
export function writeInference(
  model: { readonly name: string; readonly version: string },
  id: string | undefined,
  wanted: readonly WantedOutput[],
  tensors: ReadonlyMap<string, Tensor>,
): InferenceText {
  const parts: Buffer[] = [];
  const outputs = wanted.map(({ name, binary }) => {
    const tensor = tensors.get(name) as Tensor;
    const head = `"name":${JSON.stringify(name)},"shape":[${tensor.dims.join(",")}],"datatype":"${DATATYPES[tensor.type]}"`;
    if (!binary) return `{${head},"data":${writeJsonTensor(tensor)}}`;
    const bytes = writeBinaryTensor(tensor.data);
    parts.push(bytes);
    return `{${head},"parameters":{"binary_data_size":${bytes.length}}}`;
  });
  const members = [
    `"model_name":${JSON.stringify(model.name)}`,
    `"model_version":${JSON.stringify(model.version)}`,
    ...(id === undefined ? [] : [`"id":${JSON.stringify(id)}`]),
    `"outputs":[${outputs.join(",")}]`,
  ];
  const text = `{${members.join(",")}}`;
  if (!wanted.some(({ binary }) => binary))
    return { contentType: JSON_MEDIA_TYPE, body: text, headerLength: undefined };
  const json = Buffer.from(text);
  return { contentType: BINARY_MEDIA_TYPE, body: Buffer.concat([json, ...parts]), headerLength: json.length };
}
