import { type Static, Type } from "typebox";

/** One version of a model, as `GET /models` lists it. */
export const ListedVersion = Type.Object({
  version: Type.String(),
  state: Type.Enum(["READY", "UNAVAILABLE"]),
  checksum: Type.Union([Type.String(), Type.Null()], {
    description: "SHA-256 (hex) of the ONNX file that answers; null where none does.",
  }),
  reason: Type.Optional(
    Type.String({ description: "Code of the error that keeps the files, as they are now, from being served." }),
  ),
  trained_on: Type.Optional(
    Type.Object(
      {
        training_set_sha256: Type.String(),
        definitions_hash: Type.String(),
        run_id: Type.Union([Type.String(), Type.Null()]),
      },
      { description: "What `larder model add` recorded." },
    ),
  ),
});
export type ListedVersion = Static<typeof ListedVersion>;

/** One model of the definitions. */
export const ListedModel = Type.Object({
  name: Type.String(),
  feature_service: Type.String(),
  predictions: Type.Array(Type.String({ description: "Name in answers." })),
  current: Type.Union([Type.String(), Type.Null()], {
    description: "The version that answers requests which name none.",
  }),
  unloaded: Type.Boolean(),
  reason: Type.Optional(
    Type.String({ description: "Code of the error that keeps its path from being looked through." }),
  ),
  versions: Type.Array(ListedVersion),
});
export type ListedModel = Static<typeof ListedModel>;

/** Answer of `GET /models`, in the file's order. */
export const ModelsAnswer = Type.Object({ models: Type.Array(ListedModel) });
export type ModelsAnswer = Static<typeof ModelsAnswer>;

/** One entry of the index of the Open Inference Protocol's repository extension. */
export const RepositoryEntry = Type.Object({
  name: Type.String(),
  version: Type.String(),
  state: Type.Enum(["READY", "UNAVAILABLE"]),
  reason: Type.String({ description: "Empty, or why the version or its newest files are not served: an error code." }),
});
export type RepositoryEntry = Static<typeof RepositoryEntry>;

/** Body of `POST /v2/repository/index`. */
export const RepositoryIndexRequest = Type.Object(
  { ready: Type.Optional(Type.Boolean({ description: "Only what is ready. Default false." })) },
  { additionalProperties: false },
);
export type RepositoryIndexRequest = Static<typeof RepositoryIndexRequest>;

/** Answer of `POST /v2/repository/index`. */
export const RepositoryIndexAnswer = Type.Array(RepositoryEntry);
export type RepositoryIndexAnswer = Static<typeof RepositoryIndexAnswer>;

/** Answer of `GET /v2/models`: names as KServe lists them, and the states of the index. */
export const ModelNamesAnswer = Type.Object({
  models: Type.Array(Type.String()),
  states: Type.Array(RepositoryEntry),
});
export type ModelNamesAnswer = Static<typeof ModelNamesAnswer>;

/** A tensor as the Open Inference Protocol describes it; -1 is a free dimension. */
export const TensorMetadata = Type.Object({
  name: Type.String(),
  datatype: Type.String({ description: "FP32, INT64, BYTES, …" }),
  shape: Type.Array(Type.Integer()),
});
export type TensorMetadata = Static<typeof TensorMetadata>;

/** Answer of `GET /v2/models/{model}` and of one of its versions. */
export const ModelMetadataAnswer = Type.Object({
  name: Type.String(),
  versions: Type.Array(Type.String()),
  platform: Type.String(),
  inputs: Type.Array(TensorMetadata),
  outputs: Type.Array(TensorMetadata),
  parameters: Type.Object({
    version: Type.String({ description: "The version that is described." }),
    checksum: Type.String({ description: "SHA-256 (hex) of its ONNX file." }),
    feature_service: Type.String(),
  }),
});
export type ModelMetadataAnswer = Static<typeof ModelMetadataAnswer>;

/** Answer of `…/ready`; a model that is not ready is a 503. */
export const ModelReadyAnswer = Type.Object({ name: Type.String(), ready: Type.Literal(true) });
export type ModelReadyAnswer = Static<typeof ModelReadyAnswer>;

/** Body of `POST /v2/repository/models/{model}/load`, which may be left out: what is loaded is what the definitions name. */
export const ModelLoadRequest = Type.Object({}, { additionalProperties: false });
export type ModelLoadRequest = Static<typeof ModelLoadRequest>;

/** Body of `POST /v2/repository/models/{model}/unload`, which may be left out. Models have no dependents: clients of Triton say so, too. */
export const ModelUnloadRequest = Type.Object(
  {
    parameters: Type.Optional(
      Type.Object({ unload_dependents: Type.Optional(Type.Boolean()) }, { additionalProperties: false }),
    ),
  },
  { additionalProperties: false },
);
export type ModelUnloadRequest = Static<typeof ModelUnloadRequest>;
