import {
  type BatchSource,
  compileRowDecoder,
  type Definitions,
  type Entity,
  type Feature,
  type FeatureRef,
  type FeatureView,
  type JoinKey,
  type S3Config,
  type ValueType,
} from "@larder/schema";

/** What a test says about a view; everything else has the defaults of feature_store.yaml. */
export interface ViewSketch {
  readonly name: string;
  readonly joinKeys?: readonly JoinKey[];
  readonly features: Readonly<Record<string, ValueType>>;
  readonly ttl?: number | undefined;
  readonly source?: Partial<BatchSource>;
}

/** A compiled view with a batch source at `<name>.parquet`, times in `event_timestamp`, and no created column unless the sketch names one. */
export function makeView(sketch: ViewSketch): FeatureView {
  const { name, joinKeys = [{ name: "customer_id", type: "int64" }] } = sketch;
  const described = { description: "", owner: "", tags: {}, place: "feature_store.yaml:1:1" };
  const features: Feature[] = Object.entries(sketch.features).map(([feature, type], index) => ({
    ...described,
    name: feature,
    type,
    default: undefined,
    index,
  }));
  const entities: Entity[] = joinKeys.length === 0 ? [] : [{ ...described, name: `${name}_entity`, joinKeys }];
  const source: BatchSource = {
    path: `${name}.parquet`,
    timestampField: "event_timestamp",
    createdTimestampColumn: undefined,
    createdMeans: undefined,
    tombstoneColumn: undefined,
    tenantColumn: undefined,
    fieldMapping: new Map(),
    hivePartitions: new Map(),
    place: "feature_store.yaml:1:1",
    ...sketch.source,
  };
  const shape = { joinKeys, features, source, stream: undefined, partialRows: "refuse", timeUnit: undefined } as const;
  return {
    ...described,
    ...shape,
    name,
    entities,
    featureByName: new Map(features.map((feature) => [feature.name, feature])),
    ttl: sketch.ttl,
    onlineTtl: sketch.ttl,
    keepStale: 0,
    maxFuture: 3_600_000_000,
    longTail: false,
    tombstoneRetention: 30 * 86_400_000_000,
    pushSource: name,
    freshness: undefined,
    rowDecoder: compileRowDecoder(shape),
  };
}

/** Definitions of views whose files are in `folder`. */
export function makeDefinitions(
  folder: string,
  views: readonly FeatureView[],
  tenants: readonly string[] = ["default"],
): Definitions {
  return {
    file: `${folder}/feature_store.yaml`,
    folder,
    project: "test",
    onlineStore: { type: "memory", readDeadlineMs: 50, writeDeadlineMs: 500 },
    onFailure: "fail",
    lastKnownGoodBytes: 0,
    nearCache: undefined,
    offlineStore: { type: "duckdb", path: folder, s3: makeS3(folder) },
    stream: undefined,
    entities: new Map(views.flatMap((view) => view.entities.map((entity) => [entity.name, entity]))),
    views: new Map(views.map((view) => [view.name, view])),
    services: new Map(),
    models: new Map(),
    tenants: new Map(
      tenants.map((name) => [
        name,
        { name, ttl: new Map(), maxBytes: undefined, onFull: "refuse" as const, requestsPerSecond: undefined },
      ]),
    ),
    pushSources: new Map(views.map((view) => [view.name, [view]])),
    server: {
      host: "127.0.0.1",
      port: 0,
      auth: undefined,
      tls: undefined,
      maxInFlight: 1,
      strictFeast: false,
      bodyLimitBytes: 1,
      maxRows: 1,
      jsonDepth: 1,
      headerLimitBytes: 1,
      headersTimeoutMs: 1,
      requestTimeoutMs: 1,
      drainDelayMs: 0,
      accessLogSample: undefined,
      servedLog: undefined,
      historical: {
        maxJoins: 1,
        maxRows: 1,
        bodyLimitBytes: 1,
        deadlineMs: 1,
        memoryLimitBytes: 1,
        spillLimitBytes: 1,
      },
      modelThreads: 1,
      modelQueue: 1,
    },
    budgets: new Map(),
    resourceBudgets: { bytesPerEntity: undefined, cost: undefined, readyMs: undefined, imageBytes: undefined },
    notices: [],
    hash: "0".repeat(64),
    onlineTtl: (view) => view.onlineTtl,
  };
}

/** S3 as feature_store.yaml gives it by default, and with what a test says. */
export function makeS3(folder: string, own: Partial<S3Config> = {}): S3Config {
  return {
    endpoint: undefined,
    region: "us-east-1",
    pathStyle: true,
    credentials: undefined,
    reader: "auto",
    httpfsExtension: undefined,
    cachePath: `${folder}/.larder/s3`,
    cacheMaxBytes: 2 ** 30,
    concurrency: 4,
    timeoutMs: 20_000,
    deadlineMs: 20_000,
    ...own,
  };
}

/** Every feature of a view, or the named ones. */
export function refsOf(
  view: FeatureView,
  options: {
    readonly features?: readonly string[];
    readonly as?: string;
    readonly keys?: Readonly<Record<string, string>>;
  } = {},
): FeatureRef[] {
  const features = options.features?.map((name) => view.featureByName.get(name)!) ?? view.features;
  const joinKeyMap = new Map(Object.entries(options.keys ?? {}));
  return features.map((feature) => ({ view, feature, viewName: options.as ?? view.name, joinKeyMap }));
}
