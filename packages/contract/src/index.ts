export {
  FeastErrorBody,
  FeastErrorDetail,
  InferenceErrorBody,
  MAX_LISTED_PROBLEMS,
  ProblemBody,
  RequestProblem,
} from "./error-body.ts";
export { ERROR_STATUS } from "./error-status.ts";
export { GetOnlineFeaturesAnswer, GetOnlineFeaturesQuery, GetOnlineFeaturesRequest } from "./get-online-features.ts";
export {
  ARROW_STREAM_MEDIA_TYPE,
  DEGRADED_HEADER,
  JSON_MEDIA_TYPE,
  PARQUET_MEDIA_TYPE,
  PROBLEM_MEDIA_TYPE,
  REQUEST_ID_HEADER,
  SERVER_TIMING_HEADER,
  TENANT_HEADER,
  TENANT_PARAMETER,
  TENANT_PREFIX,
} from "./headers.ts";
export { LivezAnswer, ReadyzAnswer } from "./health.ts";
export { HistoricalFeaturesQuery, HistoricalFeaturesRequest } from "./historical-features.ts";
export {
  BINARY_MEDIA_TYPE,
  INFERENCE_DATATYPES,
  INFERENCE_HEADER_LENGTH,
  InferenceAnswer,
  type InferenceDatatype,
  InferenceInput,
  InferenceLive,
  InferenceOutput,
  InferenceReady,
  InferenceRequest,
  InferenceServer,
} from "./inference.ts";
export {
  MaterializeAccepted,
  MaterializeAnswer,
  MaterializedView,
  MaterializeIncrementalRequest,
  MaterializeJob,
  MaterializeQuery,
  MaterializeRequest,
} from "./materialize.ts";
export {
  ListedModel,
  ListedVersion,
  ModelLoadRequest,
  ModelMetadataAnswer,
  ModelNamesAnswer,
  ModelReadyAnswer,
  ModelsAnswer,
  ModelUnloadRequest,
  RepositoryEntry,
  RepositoryIndexAnswer,
  RepositoryIndexRequest,
  TensorMetadata,
} from "./models.ts";
export {
  EntityRow,
  FlatPredictAnswer,
  FlatPredictRequest,
  PredictAnswer,
  Prediction,
  PredictionValue,
  PredictRequest,
  RowError,
  UsedStatus,
} from "./predict.ts";
export {
  type Access,
  type ErrorStyle,
  FEAST_PREFIX,
  pathsOf,
  ROUTES,
  type RouteContract,
  SCOPES,
  type Scope,
  STRICT_ROUTES,
  servedRoutes,
  strictRoute,
} from "./routes.ts";
export { StrictErrorBody, StrictFeaturesAnswer } from "./strict-feast.ts";
export { AnswerValue, Columns, RequestValue, Status } from "./value.ts";
export { DeleteRequest, PushRequest, WriteAnswer, WriteCounts, WriteRequest } from "./write.ts";
