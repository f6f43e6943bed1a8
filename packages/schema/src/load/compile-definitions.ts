import { dirname, resolve } from "node:path";
import type { FeatureStoreFile } from "../definition-schema.ts";
import type {
  Budget,
  Definitions,
  Entity,
  FeatureView,
  Notice,
  OfflineStoreConfig,
  OnlineStoreConfig,
  ResourceBudgets,
  S3Config,
  Tenant,
} from "../definitions.ts";
import { hasScheme } from "../path-scheme.ts";
import { bytes } from "../size.ts";
import { compileBrokers } from "./compile-brokers.ts";
import { compileModel } from "./compile-model.ts";
import { compileSchemaRegistry } from "./compile-schema-registry.ts";
import { compileServer } from "./compile-server.ts";
import { compileService } from "./compile-service.ts";
import { compileSync } from "./compile-sync.ts";
import { compileView, describe, micros } from "./compile-view.ts";
import { deepFreeze } from "./freeze.ts";
import { hashDefinitions } from "./hash-definitions.ts";

/** What a compilation starts from: a file in which every check found nothing wrong. */
export interface CheckedFile {
  readonly value: FeatureStoreFile;
  /** Absolute. */
  readonly file: string;
  readonly placeOf: (path: string) => string;
  readonly notices: readonly Notice[];
}

/** Resolves every reference and fills in every derived default. */
export function compileDefinitions({ value, file, placeOf, notices }: CheckedFile): Definitions {
  const folder = dirname(file);
  const entities = byName(
    value.entities.map(
      (entity, i): Entity => ({
        ...describe(entity, placeOf(`entities[${i}]`)),
        joinKeys: entity.join_keys.map(({ name, type }) => ({ name, type })),
      }),
    ),
  );
  const surroundings = { entities, tenants: Object.keys(value.tenants), folder, placeOf };
  const views = byName(value.feature_views.map((view, i) => compileView(view, `feature_views[${i}]`, surroundings)));
  const services = byName(
    value.feature_services.map((service, i) => compileService(service, placeOf(`feature_services[${i}]`), views)),
  );
  const models = byName(
    value.models.map((model, i) =>
      compileModel(model, (path) => placeOf(path === "" ? `models[${i}]` : `models[${i}].${path}`), services, folder),
    ),
  );
  const tenants = byName(Object.entries(value.tenants).map(([name, tenant]) => compileTenant(name, tenant)));
  const { stream } = value;
  return deepFreeze({
    file,
    folder,
    project: value.project,
    onlineStore: compileOnlineStore(value, folder),
    onFailure: value.online_store.on_failure,
    lastKnownGoodBytes: bytes(value.online_store.last_known_good.max_bytes),
    nearCache: compileNearCache(value.online_store),
    offlineStore: compileOfflineStore(value, folder),
    stream:
      stream === undefined
        ? undefined
        : {
            ...compileBrokers(stream, folder),
            schemaRegistry: compileSchemaRegistry(stream.schema_registry, folder),
            ...compileSync(stream),
          },
    entities,
    views,
    services,
    models,
    tenants,
    pushSources: pushSourcesOf(views.values()),
    server: compileServer(value.server, folder),
    budgets: compileBudgets(value.budgets),
    resourceBudgets: compileResourceBudgets(value.budgets),
    notices,
    hash: hashDefinitions({ folder, project: value.project, entities, views, services, models, tenants }),
    onlineTtl: (view: FeatureView, tenant: string) => tenants.get(tenant)?.ttl.get(view.name) ?? view.onlineTtl,
  });
}

/** A path of the file, from the file's folder; object stores keep their address. */
function resolvePath(folder: string, path: string): string {
  return hasScheme(path) ? path : resolve(folder, path);
}

function compileS3(s3: Extract<FeatureStoreFile["offline_store"], { type: "duckdb" }>["s3"], folder: string): S3Config {
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey } = s3;
  return {
    endpoint: s3.endpoint,
    region: s3.region ?? (s3.endpoint === undefined ? undefined : "us-east-1"),
    pathStyle: s3.path_style ?? s3.endpoint !== undefined,
    credentials:
      accessKeyId === undefined || secretAccessKey === undefined
        ? undefined
        : { accessKeyId, secretAccessKey, sessionToken: s3.session_token },
    reader: s3.reader,
    httpfsExtension: s3.httpfs_extension === undefined ? undefined : resolve(folder, s3.httpfs_extension),
    cachePath: resolve(folder, s3.cache_path),
    cacheMaxBytes: bytes(s3.cache_max_bytes),
    concurrency: s3.concurrency,
    timeoutMs: micros(s3.timeout) / 1000,
    deadlineMs: micros(s3.deadline) / 1000,
  };
}

function byName<T extends { readonly name: string }>(items: readonly T[]): ReadonlyMap<string, T> {
  return new Map(items.map((item) => [item.name, item]));
}

function compileOnlineStore(
  { online_store: store, entity_key_serialization_version }: FeatureStoreFile,
  folder: string,
): OnlineStoreConfig {
  const deadlines = {
    readDeadlineMs: micros(store.deadline) / 1000,
    writeDeadlineMs: micros(store.write_deadline) / 1000,
  };
  switch (store.type) {
    case "memory":
      return { type: "memory", ...deadlines };
    case "sqlite":
      return { type: "sqlite", path: resolve(folder, store.path), ...deadlines };
    case "redis": {
      const redis = {
        type: "redis",
        connectionString: store.connection_string,
        redisType: store.redis_type,
        sentinelMaster: store.sentinel_master,
        folder,
        gather: store.gather,
        ...deadlines,
      } as const;
      if (store.layout === "packed") return { ...redis, layout: "packed" };
      return {
        ...redis,
        layout: "feast",
        entityKeyVersion: entity_key_serialization_version === 2 ? 2 : 3,
        keyTtlSeconds: store.key_ttl_seconds,
      };
    }
  }
}

function compileOfflineStore({ offline_store: store }: FeatureStoreFile, folder: string): OfflineStoreConfig {
  if (store.type === "duckdb") {
    return { type: "duckdb", path: resolvePath(folder, store.path), s3: compileS3(store.s3, folder) };
  }
  // The path is the cluster's, and nothing here knows where that counts from.
  return { type: "spark", path: store.path, remote: store.remote, s3: undefined };
}

function compileNearCache(store: FeatureStoreFile["online_store"]): Definitions["nearCache"] {
  if (store.type !== "redis" || store.near_cache === undefined) return undefined;
  const { max_bytes, max_age } = store.near_cache;
  return { maxBytes: bytes(max_bytes), maxAge: micros(max_age) };
}

function compileTenant(name: string, tenant: FeatureStoreFile["tenants"][string]): Tenant {
  return {
    name,
    ttl: new Map(Object.entries(tenant.ttl).map(([view, ttl]) => [view, micros(ttl)])),
    maxBytes: tenant.max_bytes === undefined ? undefined : bytes(tenant.max_bytes),
    onFull: tenant.on_full,
    requestsPerSecond: tenant.requests_per_second,
  };
}

function pushSourcesOf(views: Iterable<FeatureView>): ReadonlyMap<string, readonly FeatureView[]> {
  const sources = new Map<string, FeatureView[]>();
  for (const view of views) sources.set(view.pushSource, [...(sources.get(view.pushSource) ?? []), view]);
  return sources;
}

function compileBudgets({ lookup, predict }: FeatureStoreFile["budgets"]): ReadonlyMap<string, Budget> {
  const budgets = new Map<string, Budget>();
  for (const [name, budget] of Object.entries({ lookup, predict })) {
    if (budget === undefined) continue;
    budgets.set(name, { p99Ms: budget.p99_ms, aimMs: budget.aim_ms, requestsPerSecond: budget.requests_per_second });
  }
  return budgets;
}

function compileResourceBudgets({ memory, cost, start, image }: FeatureStoreFile["budgets"]): ResourceBudgets {
  return {
    bytesPerEntity: memory?.bytes_per_entity,
    cost:
      cost === undefined
        ? undefined
        : {
            monthlyUsd: cost.monthly_usd,
            entities: cost.entities,
            requestsPerSecond: cost.requests_per_second,
            nodeMemory: bytes(cost.node_memory),
            usdPerGib: cost.usd_per_gib,
            usdPerCore: cost.usd_per_core,
          },
    readyMs: start?.ready_ms,
    imageBytes: image === undefined ? undefined : bytes(image.max_bytes),
  };
}
