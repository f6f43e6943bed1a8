import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RedisServer, redisCommand, runProcess } from "@larder/testkit";

export const CUSTOMERS = 10_000;

/** The 19 columns of the model's matrix, in order. */
export const FEATURES = [
  ...["tenure_months", "monthly_charges", "total_charges", "female", "senior_citizen", "partner", "dependents"],
  ...["phone_service", "paperless_billing", "contract", "payment_method", "internet_service", "multiple_lines"],
  ...["online_security", "online_backup", "device_protection", "tech_support", "streaming_tv", "streaming_movies"],
];

const PACKAGES = join(import.meta.dirname, "..", "..", "..");
/** What the peers run on and from. */
export const PATHS = {
  larder: join(PACKAGES, "larder", "bin", "larder.mjs"),
  floor: join(PACKAGES, "larder", "bench", "floors", "serving.mjs"),
  nodeRoot: join(PACKAGES, "larder"),
  model: join(PACKAGES, "serving", "test", "fixtures", "churn", "churn_numeric.onnx"),
  programs: join(import.meta.dirname, "python"),
} as const;

/** The Python of scripts/servers/peers.mjs. Throws where it is not in the cache. */
export function peersPython(): string {
  const path = join(process.env["LARDER_CACHE"] ?? "", "servers", "peers", "bin", "python");
  if (existsSync(path)) return path;
  throw new Error(`There is no ${path}. Run npm run bench:peers, which installs it.`);
}

/** Where the peers' definitions are, all on the same customers. */
export interface Data {
  /** A Feast repository. */
  readonly feast: string;
  /** Larder's packed rows, with `on_store_failure` where given. A deadline of 1s, unless the outage is looked at: then Larder's own. */
  larder(name: string, options: LarderOptions): string;
}

export interface LarderOptions {
  readonly layout: "packed" | "feast";
  readonly deadline?: string;
  readonly onStoreFailure?: string;
}

/**
 * Fills Redis three times with the same values: packed strings by the hand-written server's own seed, Feast's rows from a Parquet file of these
 * by Feast's own materialize, Larder's packed rows from the same file by `larder materialize`. Leaves a dump, so that a Redis that is killed has them
 * again when it is restarted.
 */
export async function prepareData(folder: string, redis: RedisServer): Promise<Data> {
  const feast = join(folder, "feast");
  mkdirSync(feast);
  writeFileSync(join(feast, "feature_store.yaml"), feastText(redis.connectionString));
  const env = { NODE_ROOT: PATHS.nodeRoot, REDIS_PORT: String(redis.port), MODEL: PATHS.model, LOAD: "1" };
  await run(process.execPath, [PATHS.floor], env);
  await run(
    peersPython(),
    [join(PATHS.programs, "prepare_feast.py"), feast, String(redis.port), FEATURES.join(",")],
    QUIET,
  );
  const larder = (name: string, options: LarderOptions) => {
    const path = join(folder, `${name}.yaml`);
    writeFileSync(path, larderText(redis.connectionString, feast, options));
    return path;
  };
  const yaml = larder("materialize", { layout: "packed" });
  // From before the rows' time to after it: Feast's script dates them a minute back.
  await run(
    process.execPath,
    [PATHS.larder, "materialize", "2020-01-01", new Date().toISOString(), "--file", yaml],
    {},
  );
  await redisCommand(redis.port, "SAVE");
  return { feast, larder };
}

/** Feast tells its makers of its use unless told not to, and so does BentoML. */
export const QUIET = { FEAST_USAGE: "False", BENTOML_DO_NOT_TRACK: "True" };

async function run(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const { code, stderr } = await runProcess(command, args, { env, ms: 300_000 });
  if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}: ${stderr.slice(-2_000)}`);
}

function feastText(connectionString: string): string {
  return `project: peers_feast
provider: local
registry: registry.db
online_store: { type: redis, connection_string: "${connectionString}" }
offline_store: { type: dask }
entity_key_serialization_version: 3
`;
}

function larderText(connectionString: string, folder: string, options: LarderOptions): string {
  const { layout, deadline, onStoreFailure } = options;
  const packed = layout === "packed";
  const late = deadline === undefined ? "" : `, deadline: ${deadline}`;
  const features = FEATURES.map((name) => `{ name: ${name}, type: float32 }`).join(", ");
  const source = "{ path: customers.parquet, timestamp_field: event_timestamp }";
  // A database of their own, since Larder refuses packed rows beside Feast's, as a mistake.
  const database = packed ? `${connectionString},db=1` : connectionString;
  return `project: ${packed ? "peers" : "peers_feast"}
online_store: { type: redis, connection_string: "${database}", layout: ${layout}${late} }
${packed ? "" : "entity_key_serialization_version: 3\n"}offline_store: { type: duckdb, path: ${JSON.stringify(folder)} }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - { name: churn_features, entity: customer, ttl: 30d, features: [${features}], source: ${source} }
feature_services:
  - { name: churn_v1, features: [${FEATURES.map((name) => `"churn_features:${name}"`).join(", ")}] }
models:
  - name: churn
    path: ${JSON.stringify(PATHS.model)}
    feature_service: churn_v1
    prediction: { name: churn_probability, output: probabilities, index: 1 }
${onStoreFailure === undefined ? "" : `    on_store_failure: ${onStoreFailure}\n`}`;
}
