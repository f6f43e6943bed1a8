export { type Clock, systemClock } from "./clock.ts";
export { GENERATED_MARK, type GeneratedKind, generateTypes } from "./codegen/generate-types.ts";
export { hashShapes } from "./codegen/shapes.ts";
export type { ChangeKind, DefinitionChange } from "./compatibility/change-list.ts";
export {
  DESCRIPTION_FORMAT,
  type DefinitionsDescription,
  describeDefinitions,
  isDescription,
} from "./compatibility/describe-definitions.ts";
export {
  compareFeatureMeanings,
  type FeatureMeaning,
  isFeatureMeaning,
  meaningOfFeature,
} from "./compatibility/feature-meaning.ts";
export { compareDefinitions } from "./compatibility.ts";
export type {
  AuthConfig,
  BatchSource,
  Budget,
  CreatedMeans,
  Definitions,
  Described,
  Entity,
  FeastRedisConfig,
  Feature,
  FeatureRef,
  FeatureService,
  FeatureView,
  HistoricalConfig,
  HivePartition,
  JoinKey,
  JwtConfig,
  ModelDefinition,
  ModelFeature,
  ModelInput,
  Notice,
  OfflineStoreConfig,
  OnFull,
  OnlineStoreConfig,
  OnMissing,
  OnStoreFailure,
  PackedRedisConfig,
  Place,
  PredictionDefinition,
  RecordField,
  RequestFeature,
  S3Config,
  S3Credentials,
  SchemaRegistryConfig,
  ServedLogConfig,
  ServerConfig,
  SparkStoreConfig,
  StreamConfig,
  StreamFormat,
  StreamLogin,
  StreamSource,
  SyncConfig,
  Tenant,
  TimeUnit,
  TlsConfig,
} from "./definitions.ts";
export { formatDuration, readDuration } from "./duration.ts";
export {
  ERROR_CODES,
  type ErrorCode,
  type ErrorFacts,
  exitCodeOf,
  isLarderError,
  LarderError,
  type LarderErrorInit,
  type Problem,
} from "./errors.ts";
export { Fault } from "./fault.ts";
export { type ParseJsonOptions, parseJson } from "./json/parse-json.ts";
export { stringifyJson } from "./json/stringify-json.ts";
export { type LoadOptions, loadDefinitions, type ParseOptions, parseDefinitions } from "./load-definitions.ts";
export { findFeature, findModel, findPushSource, findService, findTenant, findView } from "./lookup.ts";
export { isLoopbackHost } from "./loopback.ts";
export { hasScheme } from "./path-scheme.ts";
export { payloadColumn, recordFieldText } from "./record-field.ts";
export { redactConnectionString } from "./redact.ts";
export { type DecodedRow, type FeatureRow, MAX_ONLINE_MICROS, type RowDecoder } from "./row.ts";
export { type DecodeRowsOptions, decodeRows } from "./rows/decode-rows.ts";
export {
  type DecodedValue,
  decodeFeatureValue,
  decodeKeyValue,
  featureDecoder,
  type ValueDecoder,
} from "./rows/decode-value.ts";
export { compileRowDecoder, type RowDecoderOptions, type RowShape } from "./rows/row-decoder.ts";
export {
  isServedLogDescription,
  SERVED_LOG_FORMAT,
  SERVED_LOG_META,
  type ServedLogDescription,
  type ServedLogFeature,
} from "./served-log-format.ts";
export { formatTime, parseTime } from "./time.ts";
export { decodeUtf8 } from "./utf8.ts";
export {
  type FeatureValue,
  isListType,
  KEY_TYPES,
  type KeyType,
  type KeyValue,
  SCALAR_TYPES,
  type ScalarType,
  type ScalarValue,
  scalarOf,
  type ValueType,
} from "./value-type.ts";
