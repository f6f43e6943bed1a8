import type { RowDecoder } from "./row.ts";
import type { FeatureValue, KeyType, ValueType } from "./value-type.ts";

/** Where a definition stands in its file, for error messages: `file:line:col`. */
export type Place = string;

/** Words that may be said about any definition. */
export interface Described {
  readonly name: string;
  readonly description: string;
  readonly owner: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly place: Place;
}

/** One column that identifies an entity. */
export interface JoinKey {
  readonly name: string;
  readonly type: KeyType;
}

/** Something features are about: a customer, a shop. */
export interface Entity extends Described {
  readonly joinKeys: readonly JoinKey[];
}

/** One feature of a view. */
export interface Feature extends Described {
  readonly type: ValueType;
  /** Used by `on_missing: default` and by outage defaults; undefined when the file names none. */
  readonly default: FeatureValue | undefined;
  /** Position in `view.features`. */
  readonly index: number;
}

/** What a batch source's created column means: when the row could be known, or only when it was loaded. */
export type CreatedMeans = "arrival" | "load_time";

/** A view's rows at rest, in the offline store. */
export interface BatchSource {
  /** File, glob or folder, relative to the offline store's path; may contain `{tenant}`. */
  readonly path: string;
  readonly timestampField: string;
  readonly createdTimestampColumn: string | undefined;
  /** undefined when the file does not say; joins then take `arrival` and check that it is plausible. */
  readonly createdMeans: CreatedMeans | undefined;
  /** A bool column; true marks a deletion, null and false a live row. */
  readonly tombstoneColumn: string | undefined;
  readonly tenantColumn: string | undefined;
  /** Source column -> name in the view. */
  readonly fieldMapping: ReadonlyMap<string, string>;
  /** Name in folders `name=value` -> what its values are. */
  readonly hivePartitions: ReadonlyMap<string, HivePartition>;
  readonly place: Place;
}

/** What the values of a Hive partition are: a part of the event time in UTC, or a column that the files do not hold. */
export type HivePartition = "year" | "month" | "day" | "hour" | "column";

/** What a stream's records are written in; `debezium` and `debezium_avro` are change events in JSON and in Avro. */
export type StreamFormat = "json" | "avro" | "protobuf" | "debezium" | "debezium_avro";

/** Where a record has something. `path` leads into nested objects; a header's name and the record's timestamp are one step. */
export interface RecordField {
  readonly from: "payload" | "key" | "header" | "record" | "envelope";
  readonly path: readonly string[];
}

/** A view's rows in motion. */
export interface StreamSource {
  /** As the file names them, `{tenant}` among them. */
  readonly topicNames: readonly string[];
  /** Every topic that feeds the view, with the names of tenants filled in. */
  readonly topics: readonly string[];
  /** The tenant of each topic that has its name from one. */
  readonly tenantOfTopic: ReadonlyMap<string, string>;
  readonly format: StreamFormat;
  /** Absolute path of the FileDescriptorSet, and the message's full name; both given with protobuf. */
  readonly descriptorSet: string | undefined;
  readonly message: string | undefined;
  readonly eventTime: RecordField;
  /** undefined = the record's own timestamp. */
  readonly createdTime: RecordField | undefined;
  readonly joinKeysFrom: "payload" | "key" | "headers";
  /** undefined = the topic's tenant, or else `default`. */
  readonly tenantField: RecordField | undefined;
  /** Field of the message, dotted where it is nested -> name in the view. */
  readonly fieldMapping: ReadonlyMap<string, string>;
  /** Largest key and value together, in bytes. */
  readonly recordLimit: number;
  readonly place: Place;
}

/** Where the schemas of Avro records are. `url` ends without a slash; `ca` is an absolute path. */
export interface SchemaRegistryConfig {
  readonly url: string;
  readonly username: string | undefined;
  /** Never print it. */
  readonly password: string | undefined;
  readonly ca: string | undefined;
}

/** Unit of a bare number given as an event or created time. */
export type TimeUnit = "s" | "ms" | "us";

/** A named set of features of one entity (or several, or none) that arrive together as rows. Durations are microseconds. */
export interface FeatureView extends Described {
  readonly entities: readonly Entity[];
  /** The join keys of all entities in the order of the file; empty for an entity-less view. */
  readonly joinKeys: readonly JoinKey[];
  readonly features: readonly Feature[];
  readonly featureByName: ReadonlyMap<string, Feature>;
  /** Limit of a point-in-time join; undefined = no limit. */
  readonly ttl: number | undefined;
  /** Limit online; undefined = no limit. A tenant may have its own: {@link Definitions.onlineTtl}. */
  readonly onlineTtl: number | undefined;
  /** Kept this long past its TTL, for degraded answers. */
  readonly keepStale: number;
  /** Rows dated further ahead of now than this are refused. */
  readonly maxFuture: number;
  /** Tombstones of a view without TTL live this long. */
  readonly tombstoneRetention: number;
  /** Its oldest rows may be evicted when their tenant is over its quota and says so. */
  readonly longTail: boolean;
  readonly partialRows: "refuse" | "absent";
  readonly timeUnit: TimeUnit | undefined;
  readonly source: BatchSource | undefined;
  readonly stream: StreamSource | undefined;
  readonly pushSource: string;
  /** Freshness objective; undefined when none is stated. */
  readonly freshness: number | undefined;
  readonly rowDecoder: RowDecoder;
}

/** One feature as a service or a request names it. */
export interface FeatureRef {
  readonly view: FeatureView;
  readonly feature: Feature;
  /** The view's name in this request: an alias, or its own name. */
  readonly viewName: string;
  /** Join key of the view -> column of the request; empty when both have the same names. */
  readonly joinKeyMap: ReadonlyMap<string, string>;
}

/** A named list of features, in order. */
export interface FeatureService extends Described {
  /** Its features are answered as Feast's own server does. */
  readonly strictFeast: boolean;
  readonly features: readonly FeatureRef[];
}

/** What `predict` does with a row whose feature is not PRESENT. */
export type OnMissing = "reject" | "default" | "nan";

/** What `predict` does when the store fails. `maxAge` in microseconds. */
export type OnStoreFailure =
  | { readonly policy: "fail" }
  | { readonly policy: "defaults" }
  | { readonly policy: "stale"; readonly maxAge: number; readonly otherwise: "fail" | "defaults" };

/** A value that every row of a prediction request brings itself. */
export interface RequestFeature extends Described {
  readonly type: ValueType;
  /** Of a row that does not bring it; undefined: every row must. */
  readonly default: Exclude<FeatureValue, null> | undefined;
}

/** What feeds one place of a model input: a feature of the store, or one of the request. */
export type ModelFeature =
  | { readonly kind: "stored"; readonly ref: FeatureRef }
  | { readonly kind: "request"; readonly feature: RequestFeature };

/** One model input: a single feature, or several side by side for an `[n, k]` input. */
export interface ModelInput {
  readonly name: string;
  readonly features: readonly ModelFeature[];
}

/** One member of a model's answer. */
export interface PredictionDefinition {
  readonly name: string;
  readonly output: string;
  /** Column of a `[n, k]` output; undefined for `[n]` and `[n, 1]`, and for a whole row of `[n, k]`. */
  readonly index: number | undefined;
}

/** A model to serve. */
export interface ModelDefinition extends Described {
  /** Absolute path of the ONNX file, of an MLflow model folder, or of a folder of versions. */
  readonly path: string;
  /** Most versions that are served side by side. */
  readonly maxVersions: number;
  readonly featureService: FeatureService;
  /** What the file says under `inputs`; inputs it does not mention take the feature of their name, checked when the model is loaded. */
  readonly inputs: ReadonlyMap<string, ModelInput>;
  /** In the order of the file, at least one, each of its own name. */
  readonly predictions: readonly PredictionDefinition[];
  /** In the order of the file. */
  readonly requestFeatures: readonly RequestFeature[];
  readonly onMissing: OnMissing;
  /** Overrides of `onMissing`, by `view:feature`. */
  readonly onMissingByFeature: ReadonlyMap<string, OnMissing>;
  readonly onStoreFailure: OnStoreFailure;
}

/** What a tenant over its quota meets. */
export type OnFull = "refuse" | "evict_long_tail";

/** One customer of a shared store. */
export interface Tenant {
  readonly name: string;
  /** View name -> online TTL in microseconds, instead of the view's. */
  readonly ttl: ReadonlyMap<string, number>;
  /** Most bytes its rows may take online; undefined = no limit. */
  readonly maxBytes: number | undefined;
  /** What happens beyond `maxBytes`: its writes are refused, or the oldest rows of its long-tail views go. */
  readonly onFull: OnFull;
  readonly requestsPerSecond: number | undefined;
}

/** Which online store, discriminated by `type`. Paths are absolute, durations milliseconds (they bound waits, not data). */
export type OnlineStoreConfig =
  | { readonly type: "memory"; readonly readDeadlineMs: number; readonly writeDeadlineMs: number }
  | {
      readonly type: "sqlite";
      readonly path: string;
      readonly readDeadlineMs: number;
      readonly writeDeadlineMs: number;
    }
  | PackedRedisConfig
  | FeastRedisConfig;

/** Redis, whatever the layout of its rows. */
interface RedisConfig {
  readonly type: "redis";
  /** As Feast writes it: `host:port[,key=value…]`. May hold a password: never print it, see `redactConnectionString`. */
  readonly connectionString: string;
  readonly redisType: "redis" | "redis_cluster" | "redis_sentinel";
  /** The name that the Sentinels know the primary by. */
  readonly sentinelMaster: string;
  /** Absolute; relative paths of certificates in the connection string count from here. */
  readonly folder: string;
  readonly gather: "script" | "pipeline";
  readonly readDeadlineMs: number;
  readonly writeDeadlineMs: number;
}

/** Redis with Larder's packed rows. */
export interface PackedRedisConfig extends RedisConfig {
  readonly layout: "packed";
}

/** Redis with rows in Feast's own bytes, to share with Feast. */
export interface FeastRedisConfig extends RedisConfig {
  readonly layout: "feast";
  readonly entityKeyVersion: 2 | 3;
  /** A hash, with all its views, lives this long from its last write on; undefined = for ever. */
  readonly keyTtlSeconds: number | undefined;
}

/** How a sync reads its streams. */
export interface SyncConfig {
  /** Bounds of what one process has read and not settled. */
  readonly maxInFlight: { readonly records: number; readonly bytes: number };
  readonly poison: PoisonConfig;
}

/** What becomes of records that cannot be used. */
export interface PoisonConfig {
  /** Topic of dead letters; `{topic}` stands for the record's own. */
  readonly topic: string;
  /** Share of them, 0 to 1, in the last `window` records beyond which a sync stops. */
  readonly maxShare: number;
  readonly window: number;
}

/** Where training data and backfills are read from. */
export type OfflineStoreConfig = DuckDbStoreConfig | SparkStoreConfig;

/** Parquet read by DuckDB in this process. */
export interface DuckDbStoreConfig {
  readonly type: "duckdb";
  /** Absolute folder, or `s3://bucket/prefix`. */
  readonly path: string;
  readonly s3: S3Config;
}

/** Parquet read by an existing Spark. */
export interface SparkStoreConfig {
  readonly type: "spark";
  /** As the cluster sees it: absolute, or with a scheme (`s3a://bucket/prefix`). */
  readonly path: string;
  /** `sc://host:port/;token=…`: may hold a secret. */
  readonly remote: string;
  /** The cluster reaches S3 by settings of its own, and nothing else here does. */
  readonly s3: undefined;
}

/** How `s3://` addresses are reached. */
export interface S3Config {
  /** undefined = AWS's own, by region. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly pathStyle: boolean;
  /** undefined = AWS's chain. Secret: never print it. */
  readonly credentials: S3Credentials | undefined;
  readonly reader: "auto" | "httpfs" | "stage";
  /** Absolute path of DuckDB's extension; undefined = where DuckDB has installed it. */
  readonly httpfsExtension: string | undefined;
  /** Absolute folder of staged objects. */
  readonly cachePath: string;
  readonly cacheMaxBytes: number;
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
}

/** A key for S3. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

/** Whom the server answers. At least one of `keys` and `jwt` is there. */
export interface AuthConfig {
  /** Absolute path of the file of API keys. */
  readonly keys: string | undefined;
  readonly jwt: JwtConfig | undefined;
  readonly metrics: "admin" | "open";
}

/** Which tokens the server takes. */
export interface JwtConfig {
  /** Where the issuer's keys are. Absolute, where it is a file. */
  readonly jwks: { readonly url: string } | { readonly file: string };
  readonly issuer: string;
  readonly audience: string;
  readonly tenantClaim: string;
  readonly scopesClaim: string;
}

/** Files of HTTPS, in PEM; absolute paths. */
export interface TlsConfig {
  readonly cert: string;
  readonly key: string;
  /** Given where clients must show a certificate: who signs them. */
  readonly clientCa: string | undefined;
}

/** The log of served vectors. */
export interface ServedLogConfig {
  /** Absolute path of its folder. */
  readonly path: string;
  /** Part of the entities whose predictions are kept, above 0, at most 1. */
  readonly sample: number;
  readonly rotateAfterMs: number;
  /** Estimated size in memory of the rows of one file. */
  readonly rotateBytes: number;
  /** Most bytes, estimated, of rows in no file yet. */
  readonly maxPendingBytes: number;
  /** Age at which files are removed. */
  readonly keepMs: number;
  /** Most bytes of all files. */
  readonly maxBytes: number;
}

/** Limits of joins over HTTP, in each process. */
export interface HistoricalConfig {
  readonly maxJoins: number;
  /** Entity rows of a Parquet body; those in JSON are bounded as every request's rows are. */
  readonly maxRows: number;
  /** Size of a Parquet body. */
  readonly bodyLimitBytes: number;
  /** From the end of the body to the last byte of the answer. */
  readonly deadlineMs: number;
  /** Memory that the engine may take for one join, and disk for what does not fit. */
  readonly memoryLimitBytes: number;
  readonly spillLimitBytes: number;
}

/** Limits and address of the HTTP server. */
export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  /** `none` states that the server may listen off loopback without authentication. */
  readonly auth: AuthConfig | "none" | undefined;
  /** HTTPS; undefined = HTTP. */
  readonly tls: TlsConfig | undefined;
  /** Most requests under way at once, shared evenly by the tenants that have some. */
  readonly maxInFlight: number;
  /** Threads that run models on many rows. */
  readonly modelThreads: number;
  /** Most requests that wait for these threads or run there. */
  readonly modelQueue: number;
  readonly bodyLimitBytes: number;
  readonly maxRows: number;
  readonly jsonDepth: number;
  readonly headerLimitBytes: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How long requests are still taken when the process was told to stop. */
  readonly drainDelayMs: number;
  /** Part of the answers that are logged, 0 to 1; undefined = no access log. */
  readonly accessLogSample: number | undefined;
  /** What predictions were made of is kept in files; undefined = not. */
  readonly servedLog: ServedLogConfig | undefined;
  readonly historical: HistoricalConfig;
  /** Feast's routes answer as Feast's own server does. */
  readonly strictFeast: boolean;
}

/** A latency budget in milliseconds. */
export interface Budget {
  readonly p99Ms: number | undefined;
  readonly aimMs: number | undefined;
  readonly requestsPerSecond: number | undefined;
}

/** Something in the file that Larder read and does not use (a Feast key), with the reason. */
export interface Notice {
  readonly place: Place;
  readonly field: string;
  readonly what: string;
}

/** A whole, valid `feature_store.yaml`, compiled: every reference resolved, every default filled in. Immutable. */
export interface Definitions {
  /** Absolute path of the file, and its folder, from which relative paths count. */
  readonly file: string;
  readonly folder: string;
  readonly project: string;
  readonly onlineStore: OnlineStoreConfig;
  /** Answer of `/get-online-features` when the store fails. */
  readonly onFailure: "fail" | "stale";
  /** Bound of what is remembered for answers while the store fails. */
  readonly lastKnownGoodBytes: number;
  /** The near cache; undefined = none. `maxAge` is in microseconds. */
  readonly nearCache: { readonly maxBytes: number; readonly maxAge: number } | undefined;
  readonly offlineStore: OfflineStoreConfig;
  readonly stream:
    | (StreamConfig & SyncConfig & { readonly schemaRegistry: SchemaRegistryConfig | undefined })
    | undefined;
  readonly entities: ReadonlyMap<string, Entity>;
  readonly views: ReadonlyMap<string, FeatureView>;
  readonly services: ReadonlyMap<string, FeatureService>;
  readonly models: ReadonlyMap<string, ModelDefinition>;
  readonly tenants: ReadonlyMap<string, Tenant>;
  /** Push source -> the views it feeds, in file order. */
  readonly pushSources: ReadonlyMap<string, readonly FeatureView[]>;
  readonly server: ServerConfig;
  readonly budgets: ReadonlyMap<string, Budget>;
  readonly notices: readonly Notice[];
  /** SHA-256 (hex) over what the definitions mean: not over comments, order of keys, descriptions or paths of the machine. */
  readonly hash: string;
  /** Online TTL of a view for a tenant, in microseconds; undefined = no limit. */
  onlineTtl(view: FeatureView, tenant: string): number | undefined;
}

/** Where streams are read from. Paths are absolute, times in milliseconds. */
export interface StreamConfig {
  readonly brokers: readonly string[];
  readonly groupId: string;
  /** The package that speaks to Kafka. */
  readonly client: "kafkajs" | "platformatic";
  readonly clientId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** undefined = no login. */
  readonly sasl: StreamLogin | undefined;
  /** undefined = no TLS; without `ca` the system's authorities. */
  readonly tls:
    | { readonly ca: string | undefined; readonly cert: string | undefined; readonly key: string | undefined }
    | undefined;
}

/** A login at the brokers. */
export interface StreamLogin {
  readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  readonly username: string;
  readonly password: string;
}
