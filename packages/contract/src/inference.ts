import { type Static, Type } from "typebox";

/** Length in bytes of the JSON that stands before the tensors of a body of the Open Inference Protocol's binary extension. */
export const INFERENCE_HEADER_LENGTH = "inference-header-content-length";

/** Media type of a body that is JSON and then the bytes of tensors. */
export const BINARY_MEDIA_TYPE = "application/octet-stream";

/** The protocol's words for element types that a tensor of Larder can have. */
export const INFERENCE_DATATYPES = [
  "BOOL",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "FP16",
  "FP32",
  "FP64",
  "BYTES",
] as const;
export type InferenceDatatype = (typeof INFERENCE_DATATYPES)[number];

const Parameters = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]));

const Datatype = Type.Enum(INFERENCE_DATATYPES);

const Shape = Type.Array(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));

const Data = Type.Array(Type.Unknown(), {
  description: "Elements in row-major order, nested as the shape says or flat.",
});

/** One tensor of a request: with `data`, or with the parameter `binary_data_size` and its bytes after the JSON. */
export const InferenceInput = Type.Object(
  {
    name: Type.String(),
    shape: Shape,
    datatype: Datatype,
    parameters: Type.Optional(Parameters),
    data: Type.Optional(Data),
  },
  { additionalProperties: false },
);
export type InferenceInput = Static<typeof InferenceInput>;

/** One output that a request asks for; the parameter `binary_data` says how it is to come. */
export const InferenceOutput = Type.Object(
  { name: Type.String(), parameters: Type.Optional(Parameters) },
  { additionalProperties: false },
);
export type InferenceOutput = Static<typeof InferenceOutput>;

/** `POST /v2/models/{model}/infer`: the model's own tensors, of which the feature store knows nothing. */
export const InferenceRequest = Type.Object(
  {
    id: Type.Optional(Type.String({ description: "Returned with the answer." })),
    parameters: Type.Optional(Parameters),
    inputs: Type.Array(InferenceInput, { minItems: 1 }),
    outputs: Type.Optional(Type.Array(InferenceOutput, { description: "All tensors of the model when absent." })),
  },
  { additionalProperties: false },
);
export type InferenceRequest = Static<typeof InferenceRequest>;

/** Answer to {@link InferenceRequest}. */
export const InferenceAnswer = Type.Object({
  model_name: Type.String(),
  model_version: Type.String(),
  id: Type.Optional(Type.String()),
  outputs: Type.Array(
    Type.Object({
      name: Type.String(),
      shape: Shape,
      datatype: Datatype,
      parameters: Type.Optional(Parameters),
      data: Type.Optional(Data),
    }),
  ),
});
export type InferenceAnswer = Static<typeof InferenceAnswer>;

/** `GET /v2`. */
export const InferenceServer = Type.Object({
  name: Type.String(),
  version: Type.String(),
  extensions: Type.Array(Type.String()),
});
export type InferenceServer = Static<typeof InferenceServer>;

/** `GET /v2/health/live`. */
export const InferenceLive = Type.Object({ live: Type.Boolean() });
export type InferenceLive = Static<typeof InferenceLive>;

/** `GET /v2/health/ready`: 200 when every model can be asked, 503 otherwise. */
export const InferenceReady = Type.Object({ ready: Type.Boolean() });
export type InferenceReady = Static<typeof InferenceReady>;
