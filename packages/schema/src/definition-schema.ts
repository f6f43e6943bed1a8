import { type Static, Type } from "typebox";
import {
  definitionName,
  duration,
  featureValue,
  inputFeature,
  limit,
  listOf,
  mapOf,
  oneOf,
  onlineTtl,
  optional,
  projectName,
  reference,
  required,
  section,
  size,
  text,
  withDefault,
} from "./schema-key.ts";
import { schemaRegistry, viewStream } from "./stream-schema.ts";
import { KEY_TYPES, SCALAR_TYPES } from "./value-type.ts";

const VALUE_TYPES = [...SCALAR_TYPES, ...SCALAR_TYPES.map((type) => `list<${type}>` as const)];

const deadlines = {
  deadline: withDefault(limit, "Longest wait for a read.", "50ms"),
  write_deadline: withDefault(limit, "Longest wait for a write.", "500ms"),
  on_failure: withDefault(
    oneOf("fail", "stale"),
    "What /get-online-features answers when the store fails: an error, or the last known values.",
    "fail",
  ),
  last_known_good: withDefault(
    section({
      max_bytes: withDefault(size, "Most bytes of it, per process; the longest unused rows go first.", "64MiB"),
    }),
    "What reads returned, remembered for stale answers while the store fails.",
    {},
  ),
};

const memoryStore = section(
  { type: required(oneOf("memory"), "Keeps rows in the process, for tests and trials."), ...deadlines },
  "Rows in memory: gone when the process ends.",
);

const sqliteStore = section(
  {
    type: required(oneOf("sqlite"), "Keeps rows in a SQLite file."),
    path: withDefault(text, "The file; relative to the folder of feature_store.yaml.", ".larder/online.db"),
    ...deadlines,
  },
  "Rows in one SQLite file, for one machine.",
);

const redisStore = section(
  {
    type: required(oneOf("redis"), "Keeps rows in Redis or Valkey."),
    connection_string: withDefault(
      text,
      "As Feast writes it: host:port, then key=value parameters after commas (see redis.md); or a redis://, rediss:// or unix:// URL.",
      "localhost:6379",
    ),
    redis_type: withDefault(
      oneOf("redis", "redis_cluster", "redis_sentinel"),
      "What connection_string names: one server, nodes of a Redis Cluster, or Sentinels.",
      "redis",
    ),
    sentinel_master: withDefault(text, "The name that the Sentinels know the primary by.", "mymaster"),
    layout: withDefault(
      oneOf("packed", "feast"),
      "How rows are kept: Larder's packed rows, or Feast's bytes. A Feast file must state it.",
      "packed",
    ),
    gather: withDefault(
      oneOf("script", "pipeline"),
      "How many entities are read at once: one script in Redis, or a pipeline of commands.",
      "script",
    ),
    key_ttl_seconds: optional(
      Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }),
      "layout: feast only. An entity lives so long after its last write, all its views at once, as in Feast.",
      "rows stay until they are deleted",
    ),
    near_cache: optional(
      section({
        max_bytes: withDefault(size, "Most bytes of it, per process; the longest unused rows go first.", "64MiB"),
        max_age: withDefault(limit, "Longest time that a row is answered after it was read, whatever is lost.", "1s"),
      }),
      "Rows that were read, kept in the process and answered until somebody writes them, or max_age has passed (see redis.md).",
      "every read asks the store",
    ),
    ...deadlines,
  },
  "Rows in Redis, for production.",
);

const s3 = section(
  {
    endpoint: optional(text, "URL of an S3-compatible server.", "AWS's, by region"),
    region: optional(text, "The bucket's region.", "AWS_REGION or the profile's; us-east-1 with an endpoint"),
    path_style: optional(Type.Boolean(), "Buckets are in the path, not in the host name.", "true with an endpoint"),
    access_key_id: optional(
      text,
      "Key; let it come from a variable, as every secret.",
      "AWS's chain: environment, profile, container, machine",
    ),
    secret_access_key: optional(text, "Its secret.", "as access_key_id"),
    session_token: optional(text, "Its session.", "none"),
    reader: withDefault(
      oneOf("auto", "httpfs", "stage"),
      "Who reads objects: DuckDB's httpfs in place, or DuckDB from copies in the cache; auto takes httpfs where it loads, and says so.",
      "auto",
    ),
    httpfs_extension: optional(text, "File of DuckDB's httpfs extension.", "where DuckDB has installed it"),
    cache_path: withDefault(text, "Folder of staged objects, relative to feature_store.yaml.", ".larder/s3"),
    cache_max_bytes: withDefault(size, "Most bytes kept there; the longest unused go first.", "10GiB"),
    concurrency: withDefault(Type.Integer({ minimum: 1, maximum: 64 }), "Requests under way at once.", 8),
    timeout: withDefault(limit, "Longest silence of the server before a request is tried again.", "10s"),
    deadline: withDefault(limit, "Longest time that a failing request is tried again.", "1m"),
  },
  "How s3:// addresses are reached.",
);

const duckDbStore = section(
  {
    type: required(oneOf("duckdb"), "Reads Parquet with DuckDB, in this process."),
    path: withDefault(text, "Folder relative to feature_store.yaml, or s3://bucket/prefix.", "."),
    s3: withDefault(s3, "How s3:// addresses are reached.", {}),
  },
  "Parquet that this machine reads.",
);

const sparkStore = section(
  {
    type: required(oneOf("spark"), "Joins on an existing Spark, over Spark Connect."),
    remote: required(
      text,
      "The server, as Spark writes it: sc://host:15002/;token=…;use_ssl=true. A token asks for TLS, except on this machine.",
    ),
    path: required(text, "Folder as the cluster sees it: absolute, or with a scheme, such as s3a://bucket/prefix."),
  },
  "Parquet that a cluster reads. Training sets only.",
);

const source = section(
  {
    path: required(text, "File, glob or folder of Parquet, relative to offline_store.path; may contain {tenant}."),
    timestamp_field: withDefault(definitionName, "Column of the event time.", "event_timestamp"),
    created_timestamp_column: optional(definitionName, "Column of the created time.", "no created time"),
    created_means: optional(
      oneOf("arrival", "load_time"),
      "Whether the created time tells when a row could be known, or only when it was loaded.",
      "arrival, checked for plausibility",
    ),
    tombstone_column: optional(definitionName, "Bool column; true marks a deletion.", "no deletions"),
    tenant_column: optional(definitionName, "Column that names each row's tenant.", "one tenant per path"),
    field_mapping: withDefault(mapOf(definitionName), "Source column -> its name in the view.", {}),
    hive_partitions: withDefault(
      mapOf(oneOf("year", "month", "day", "hour", "column")),
      "Name in folders like name=value -> what its values are: a part of the event time in UTC, by which files are left out, or a column.",
      {},
    ),
  },
  "The view's rows at rest.",
);

const feature = section({
  name: required(definitionName, "The feature, and its column."),
  type: required(Type.Enum(VALUE_TYPES), "Value type: a scalar, or a list of scalars."),
  default: optional(featureValue, "Stands in for a missing value where a model says so.", "no default"),
});

const entity = section({
  name: required(definitionName, "The entity."),
  join_keys: required(
    listOf(
      section({
        name: required(definitionName, "The column that identifies the entity."),
        type: required(oneOf(...KEY_TYPES), "Its type."),
      }),
      1,
    ),
    "The columns that identify one entity.",
  ),
});

const featureView = section({
  name: required(definitionName, "The feature view."),
  entity: optional(definitionName, "The entity its features describe.", "see entities"),
  entities: optional(
    listOf(definitionName),
    "Several entities for a composite key; [] for a view without any.",
    "the one entity",
  ),
  ttl: withDefault(duration, "How long a row counts after its event time, in training sets; 0 is no limit.", 0),
  online_ttl: optional(onlineTtl, "The same online; none is no limit.", "ttl"),
  keep_stale: withDefault(duration, "Kept online this long past its TTL, for degraded answers.", "1h"),
  max_future: withDefault(duration, "Rows dated further ahead of the clock are refused.", "1h"),
  tombstone_retention: withDefault(limit, "How long deletions are remembered in a view without TTL.", "30d"),
  long_tail: withDefault(
    Type.Boolean(),
    "Whether its oldest rows may go when their tenant is over max_bytes and says on_full: evict_long_tail.",
    false,
  ),
  partial_rows: withDefault(
    oneOf("refuse", "absent"),
    "What a write that lacks a feature does: it is refused, or the feature is absent.",
    "refuse",
  ),
  time_unit: optional(
    oneOf("s", "ms", "us"),
    "Unit of event and created times sent as bare numbers.",
    "bare numbers are refused",
  ),
  features: required(listOf(feature, 1), "The features, which arrive together as rows."),
  source: optional(source, "Where its rows lie, for training sets and materialize.", "no batch source"),
  stream: optional(viewStream, "Where its rows arrive.", "no stream"),
  push_source: optional(
    definitionName,
    "Name under which rows are pushed; several views may share one.",
    "the view's name",
  ),
  freshness: optional(limit, "Objective: how old the newest row may be.", "no objective"),
});

const projection = section({
  view: required(definitionName, "The feature view."),
  name_alias: optional(definitionName, "Another name for the view in this service.", "the view's name"),
  join_key_map: withDefault(mapOf(definitionName), "Join key of the view -> column of the request.", {}),
  features: optional(listOf(definitionName, 1), "Some of the view's features.", "all features of the view"),
});

const featureService = section({
  name: required(definitionName, "The feature service."),
  features: required(
    listOf(Type.Union([reference, projection]), 1),
    'Its features: "view:feature", or a projection of a view.',
  ),
  strict_feast: withDefault(
    Type.Boolean(),
    "Its features are answered as Feast's server does: no TTL, PRESENT for null, NaN as text (see feast.md).",
    false,
  ),
});

/** How a sync reads its streams. */
const streamSync = {
  max_in_flight: withDefault(
    section({
      records: withDefault(Type.Integer({ minimum: 1 }), "Most records.", 50_000),
      bytes: withDefault(size, "Most bytes of them.", "64MiB"),
    }),
    "What a process of larder sync holds that is read and not settled; its partitions share it evenly, and one at its share is paused.",
    {},
  ),
  poison: withDefault(
    section({
      topic: withDefault(
        text,
        "Where records go that cannot be used; {topic} stands for theirs.",
        "{topic}.dead-letter",
      ),
      max_share: withDefault(
        Type.Number({ minimum: 0, maximum: 1 }),
        "Share of such records in the window beyond which larder sync stops.",
        0.2,
      ),
      window: withDefault(
        Type.Integer({ minimum: 1, maximum: 10_000_000 }),
        "The last records of a process that the share is of.",
        1_000,
      ),
    }),
    "What becomes of records that cannot be used.",
    {},
  ),
};

const onMissing = oneOf("reject", "default", "nan");

const prediction = section({
  name: optional(definitionName, "Its name in answers.", "the model's name; in a list, the output's"),
  output: required(text, "ONNX output."),
  index: optional(
    Type.Integer({ minimum: 0 }),
    "Column of an [n, k] output.",
    "the value of [n] or [n, 1], the whole row of [n, k]",
  ),
});

const requestFeature = section({
  name: required(definitionName, "The feature, and its member in a request's entity rows."),
  type: required(Type.Enum(VALUE_TYPES), "Value type: a scalar, or a list of scalars."),
  default: optional(featureValue, "Stands in where a row does not bring it.", "every row must bring it"),
});

const model = section({
  name: required(definitionName, "The model."),
  path: required(
    text,
    "ONNX file, MLflow model folder, or folder of versions (1/model.onnx, 2/model.onnx, …); relative to the folder of feature_store.yaml.",
  ),
  max_versions: withDefault(
    Type.Integer({ minimum: 1, maximum: 100 }),
    "Most versions of a folder of versions that are served; the greatest numbers count.",
    2,
  ),
  feature_service: required(definitionName, "The features it takes."),
  inputs: withDefault(
    mapOf(Type.Union([inputFeature, listOf(inputFeature, 1)])),
    "ONNX input -> view:feature or the name of a request feature, or a list of them; an input not named here takes the feature of its name.",
    {},
  ),
  request_features: withDefault(
    listOf(requestFeature),
    "Values known only when a prediction is asked for, which every entity row brings beside its join keys.",
    [],
  ),
  prediction: required(
    Type.Union([prediction, listOf(prediction, 1)]),
    "What it answers: an output, or a list of them.",
  ),
  on_missing: withDefault(
    Type.Union([onMissing, mapOf(onMissing)]),
    "What a missing value does: reject the row, use the feature's default, or pass NaN; or a map of default and view:feature.",
    "reject",
  ),
  on_store_failure: withDefault(
    section({
      policy: withDefault(
        oneOf("fail", "stale", "defaults"),
        "Answer 503, the last known values, or feature defaults.",
        "fail",
      ),
      max_age: optional(limit, "For stale: oldest values to use.", "1h with policy stale"),
      otherwise: optional(
        oneOf("fail", "defaults"),
        "For stale: what a row with nothing known does.",
        "fail with policy stale",
      ),
    }),
    "What predict does when the online store fails.",
    {},
  ),
});

const tenant = section({
  ttl: withDefault(mapOf(limit), "Feature view -> online TTL for this tenant.", {}),
  max_bytes: optional(size, "Most bytes this tenant may keep online.", "no limit"),
  on_full: withDefault(
    oneOf("refuse", "evict_long_tail"),
    "What happens beyond max_bytes: writes are refused, or views with long_tail lose their oldest rows.",
    "refuse",
  ),
  requests_per_second: optional(
    Type.Number({ exclusiveMinimum: 0 }),
    "Most requests per second and process.",
    "no limit",
  ),
});

const jwt = section(
  {
    jwks_url: optional(
      text,
      "Where the issuer publishes its keys, as https://… (http:// on this machine only).",
      "see jwks_file",
    ),
    jwks_file: optional(
      text,
      "A file with them instead; relative to the folder of feature_store.yaml.",
      "see jwks_url",
    ),
    issuer: required(text, "What `iss` must be."),
    audience: required(text, "What `aud` must be, or hold."),
    tenant_claim: withDefault(text, "The claim that names the tenant, or lists several.", "tenant"),
    scopes_claim: withDefault(text, "The claim that lists scopes, or has them in one text with spaces.", "scope"),
  },
  "Tokens of an identity provider.",
);

const auth = section(
  {
    keys: optional(
      text,
      "File of API keys, as `larder keys create` writes it; relative to the folder of feature_store.yaml.",
      "no API keys",
    ),
    jwt: optional(jwt, "Takes JSON Web Tokens (see security.md).", "no tokens"),
    metrics: withDefault(
      oneOf("admin", "open"),
      "Who may read /metrics: credentials with the scope admin, or everybody.",
      "admin",
    ),
  },
  "Who may ask: holders of an API key, of a token, or of either.",
);

const tls = section(
  {
    cert: required(text, "Certificate chain in PEM; relative to the folder of feature_store.yaml."),
    key: required(text, "Its private key in PEM."),
    ca: optional(text, "Certificates in PEM of who signs those of clients.", "needed with client_cert"),
    client_cert: optional(
      oneOf("require"),
      "Refuse clients without a certificate that ca has signed.",
      "clients show none",
    ),
  },
  "HTTPS in place of HTTP.",
);

const servedLog = section({
  path: withDefault(text, "Folder of the files; relative to the folder of feature_store.yaml.", "served-log"),
  sample: withDefault(
    Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
    "The part of all entities that is kept. It goes by a hash of the entity key: of one entity all predictions are kept, or none.",
    0.01,
  ),
  rotate_after: withDefault(limit, "A file is written when its first row is so old.", "10m"),
  rotate_size: withDefault(size, "Or when its rows take so much memory, as estimated.", "16MiB"),
  max_pending: withDefault(
    size,
    "Most memory, as estimated, of rows that are in no file yet; further rows are dropped, and counted.",
    "64MiB",
  ),
  keep: withDefault(limit, "Files are removed when they are so old.", "30d"),
  max_bytes: withDefault(size, "Most bytes of all files; the oldest are removed.", "1GB"),
});

const historical = section({
  max_joins: withDefault(Type.Integer({ minimum: 1, maximum: 64 }), "Most joins at once; a further one is refused.", 1),
  max_rows: withDefault(Type.Integer({ minimum: 1 }), "Most entity rows of a Parquet body.", 1_000_000),
  body_limit: withDefault(size, "Largest Parquet body.", "64MiB"),
  deadline: withDefault(limit, "Longest time from the request's body to the last byte of the answer.", "5m"),
  memory_limit: withDefault(size, "Memory that DuckDB may take for a join before it spills to disk.", "1GiB"),
  spill_limit: withDefault(size, "Most bytes on disk of what a join spills.", "10GB"),
});

const server = section({
  host: withDefault(text, "Address to listen on.", "127.0.0.1"),
  port: withDefault(Type.Integer({ minimum: 0, maximum: 65535 }), "Port to listen on; 0 takes any free one.", 6566),
  auth: optional(
    Type.Union([oneOf("none"), auth]),
    "Who may ask; none allows listening beyond this machine without authentication.",
    "nobody is asked who they are, and only this machine may connect",
  ),
  tls: optional(tls, "HTTPS.", "HTTP"),
  max_in_flight: withDefault(
    Type.Integer({ minimum: 1, maximum: 100_000 }),
    "Most requests under way at once in a process; tenants that have some share it evenly, and what is above a tenant's share is refused.",
    256,
  ),
  model_threads: withDefault(
    Type.Integer({ minimum: 1, maximum: 256 }),
    "Threads that run models on many rows; each that was needed holds a copy of the models it ran.",
    1,
  ),
  model_queue: withDefault(
    Type.Integer({ minimum: 1, maximum: 100_000 }),
    "Most requests that wait for model threads or run there; a further one is refused.",
    64,
  ),
  body_limit: withDefault(size, "Largest request body.", "8MiB"),
  max_rows: withDefault(Type.Integer({ minimum: 1, maximum: 1_000_000 }), "Most rows of one request.", 10_000),
  json_depth: withDefault(Type.Integer({ minimum: 4, maximum: 1000 }), "Most levels of a JSON body.", 32),
  header_limit: withDefault(size, "Largest request header.", "16KiB"),
  headers_timeout: withDefault(limit, "Longest wait for a request's header.", "10s"),
  request_timeout: withDefault(limit, "Longest wait for a whole request.", "30s"),
  drain_delay: withDefault(
    duration,
    "After SIGTERM, not ready and with connection: close, new requests are still answered so long: what a load balancer takes to notice.",
    0,
  ),
  access_log: optional(
    section({
      sample: withDefault(
        Type.Number({ minimum: 0, maximum: 1 }),
        "The part of all answers that gets a line; errors get one always, but for 429.",
        1,
      ),
    }),
    "A log line per answer.",
    "only failures of the server are logged",
  ),
  served_log: optional(
    servedLog,
    "Keeps what predictions were made of, as Parquet (see served-log.md).",
    "nothing is kept",
  ),
  historical: withDefault(historical, "Limits of /historical-features (see python.md), in each process.", {}),
  strict_feast: withDefault(
    Type.Boolean(),
    "Feast's own routes answer as Feast's server does, as they always do below /feast (see feast.md).",
    false,
  ),
});

const budget = section({
  p99_ms: optional(
    Type.Number({ exclusiveMinimum: 0 }),
    "The 99th percentile must stay below, in milliseconds.",
    "no gate",
  ),
  aim_ms: optional(Type.Number({ exclusiveMinimum: 0 }), "The percentile to aim for, in milliseconds.", "no aim"),
  requests_per_second: optional(
    Type.Number({ exclusiveMinimum: 0 }),
    "The rate at which both hold.",
    "the scenario's own rate",
  ),
});

/** The one schema of `feature_store.yaml`; its static type is the file after loading, with defaults filled in. */
export const FeatureStoreFile = section({
  project: required(projectName, "Namespace of everything in the stores."),
  include: withDefault(
    Type.Union([text, listOf(text)]),
    "Further files, as globs relative to this one; they hold entities, feature_views, feature_services, models and tenants.",
    [],
  ),
  online_store: withDefault(Type.Union([sqliteStore, redisStore, memoryStore]), "Where rows are served from.", {
    type: "sqlite",
  }),
  entity_key_serialization_version: withDefault(
    Type.Integer({ minimum: 2, maximum: 3 }),
    "layout: feast only. The version of the entity keys that Feast wrote.",
    3,
  ),
  offline_store: withDefault(
    Type.Union([duckDbStore, sparkStore]),
    "Where training sets and backfills are read from.",
    { type: "duckdb" },
  ),
  stream: optional(
    section({
      type: required(oneOf("kafka"), "Reads Kafka."),
      brokers: required(listOf(text, 1), "Brokers as host:port."),
      group_id: withDefault(text, "Consumer group.", "larder"),
      client: withDefault(
        oneOf("platformatic", "kafkajs"),
        "The package that speaks to Kafka, to be installed.",
        "platformatic",
      ),
      client_id: withDefault(text, "The name brokers know the process by.", "larder"),
      session_timeout: withDefault(limit, "A process silent for so long loses its partitions.", "10s"),
      rebalance_timeout: withDefault(limit, "Longest that partitions which move may take to be finished.", "30s"),
      request_timeout: withDefault(limit, "Longest wait for a broker's answer.", "10s"),
      sasl: optional(
        section({
          mechanism: required(oneOf("plain", "scram-sha-256", "scram-sha-512"), "How the password is proved."),
          username: required(text, "Who logs in."),
          password: required(text, "Its password; better a variable of the environment than the text itself."),
        }),
        "Login at the brokers.",
        "no login",
      ),
      tls: optional(
        section({
          ca: optional(text, "PEM file of the authorities that brokers are checked by.", "the system's"),
          cert: optional(text, "PEM file of the client's certificate.", "none"),
          key: optional(text, "PEM file of its key.", "none"),
        }),
        "TLS to the brokers; {} takes the system's authorities. Paths count from the folder of feature_store.yaml.",
        "no TLS",
      ),
      schema_registry: optional(schemaRegistry, "Where the schemas of Avro records are.", "no registry"),
      ...streamSync,
    }),
    "Where streams are read from.",
    "no streams",
  ),
  entities: withDefault(listOf(entity), "What features are about.", []),
  feature_views: withDefault(listOf(featureView), "Named sets of features that arrive together.", []),
  feature_services: withDefault(
    listOf(featureService),
    "Named lists of features, as models and applications take them.",
    [],
  ),
  models: withDefault(listOf(model), "Models to serve.", []),
  tenants: withDefault(mapOf(tenant), "Tenants by name; others are refused. default serves requests that name none.", {
    default: {},
  }),
  server: withDefault(server, "Address and limits of larder serve.", {}),
  budgets: withDefault(
    section({
      lookup: optional(budget, "Budget of feature lookups.", "none"),
      predict: optional(budget, "Budget of predictions.", "none"),
    }),
    "What a release must keep, as load tests gate it.",
    {},
  ),
});

/** A whole `feature_store.yaml` after loading. */
export type FeatureStoreFile = Static<typeof FeatureStoreFile>;
