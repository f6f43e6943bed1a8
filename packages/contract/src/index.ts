export {
  FeastErrorBody,
  FeastErrorDetail,
  MAX_LISTED_PROBLEMS,
  ProblemBody,
  RequestProblem,
} from "./error-body.ts";
export { ERROR_STATUS } from "./error-status.ts";
export { GetOnlineFeaturesAnswer, GetOnlineFeaturesQuery, GetOnlineFeaturesRequest } from "./get-online-features.ts";
export {
  DEGRADED_HEADER,
  JSON_MEDIA_TYPE,
  PROBLEM_MEDIA_TYPE,
  REQUEST_ID_HEADER,
  SERVER_TIMING_HEADER,
  TENANT_HEADER,
} from "./headers.ts";
export { LivezAnswer, ReadyzAnswer } from "./health.ts";
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
  EntityRow,
  FlatPredictAnswer,
  FlatPredictRequest,
  PredictAnswer,
  Prediction,
  PredictRequest,
  RowError,
} from "./predict.ts";
export { type Access, type ErrorStyle, ROUTES, type RouteContract, SCOPES, type Scope } from "./routes.ts";
export { AnswerValue, Columns, RequestValue, Status } from "./value.ts";
export { DeleteRequest, PushRequest, WriteAnswer, WriteCounts, WriteRequest } from "./write.ts";
