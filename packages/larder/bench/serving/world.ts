import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release } from "node:os";
import { join } from "node:path";
import { findView, loadDefinitions, systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import {
  type ChildHandle,
  freePort,
  LOOPBACK,
  runProcess,
  startProcess,
  startRedis,
  temporaryFolder,
  until,
} from "@larder/testkit";
import { fastify } from "fastify";
import { Redis } from "ioredis";

export const CUSTOMERS = 10_000;

/** The 19 columns of the model's matrix. */
const FEATURES = [
  ...["tenure_months", "monthly_charges", "total_charges", "female", "senior_citizen", "partner", "dependents"],
  ...["phone_service", "paperless_billing", "contract", "payment_method", "internet_service", "multiple_lines"],
  ...["online_security", "online_backup", "device_protection", "tech_support", "streaming_tv", "streaming_movies"],
];

const PACKAGE = join(import.meta.dirname, "..", "..");
const MODEL = join(PACKAGE, "..", "serving", "test", "fixtures", "churn", "churn_numeric.onnx");
/** Of util-linux. */
const TASKSET = "taskset";
const SERVER_CORE = 0;
const OTHER_CORE = 1;

/** A server that answers `POST /predict`. */
export interface Contender {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

/** Redis, the floor and `larder serve` on it, with the same rows; servers on one core, Redis and this process on another where there are two. */
export interface World extends AsyncDisposable {
  readonly floor: Contender;
  readonly larder: Contender;
  readonly redisPid: number;
  /** Processor, versions and cores, for the head of a table. */
  readonly machine: string;
}

/** Starts all of it, fills it, and sees to it that both servers answer alike. */
export async function openWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const pinned = availableParallelism() > 1 && pin(process.pid, OTHER_CORE);
  const redis = stack.use(await startRedis());
  const floor = stack.use(await startFloor(redis.port, pinned));
  const yaml = join(folder.path, "feature_store.yaml");
  writeFileSync(yaml, definitionsText(redis.connectionString));
  const version = await copyRows(yaml, redis.port);
  const larder = stack.use(await startLarder(yaml, pinned));
  await proveAlike(floor, larder);
  const running = stack.move();
  const places = pinned ? "servers on one core, Redis and the load on another" : "not pinned to cores";
  return {
    floor,
    larder,
    redisPid: redis.pid,
    machine: `${cpus()[0]?.model.trim()}, ${cpus().length} cores; Linux ${release()}, Redis ${version}, Node ${process.versions.node}, fastify ${fastify().version}, ioredis ${versionOf("ioredis")}, onnxruntime-node ${versionOf("onnxruntime-node")}; ${places}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** CPU time that a process with all its threads has taken, in microseconds; NaN where the system does not tell. */
export function cpuOf(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const each = threads.map((id) => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, "utf8").split(" ")[0]));
    return each.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1000;
  } catch {
    return Number.NaN;
  }
}

type RunningContender = Contender & AsyncDisposable;

/** The floor fills Redis with values of its own first. */
async function startFloor(redisPort: number, pinned: boolean): Promise<RunningContender> {
  const port = await freePort();
  const program = join(PACKAGE, "bench", "floors", "serving.mjs");
  const env = { NODE_ROOT: PACKAGE, REDIS_PORT: String(redisPort), MODEL, PORT: String(port) };
  const { code, stderr } = await runProcess(process.execPath, [program], { env: { ...env, LOAD: "1" } });
  if (code !== 0) throw new Error(`The floor could not fill Redis: ${stderr}`);
  const child = await startPinned([program], env, pinned);
  await until(15_000, "the floor answers", async () => (await fetch(`http://${LOOPBACK}:${port}/`)).status === 404);
  return contender("floor", port, child);
}

async function startLarder(yaml: string, pinned: boolean): Promise<RunningContender> {
  const main = join(PACKAGE, "src", "cli", "main.ts");
  const args = ["--conditions=@larder/source", main, "serve", "--file", yaml, "--port", "0"];
  const child = await startPinned(args, {}, pinned);
  const line = await child.waitForLine(/^Larder serves at /, 30_000);
  return contender("Larder", Number(line.slice(line.lastIndexOf(":") + 1)), child);
}

function contender(name: string, port: number, child: ChildHandle): RunningContender {
  return { name, port, pid: child.pid, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

function startPinned(args: readonly string[], env: Record<string, string>, pinned: boolean): Promise<ChildHandle> {
  return pinned
    ? startProcess(TASKSET, ["-c", String(SERVER_CORE), process.execPath, ...args], { env })
    : startProcess(process.execPath, args, { env });
}

/** Ties a process and what it starts to one core; false where that cannot be done. */
function pin(pid: number, core: number): boolean {
  try {
    execFileSync(TASKSET, ["-apc", String(core), String(pid)], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Writes what the floor put into Redis as rows of Larder's, too. Answers Redis's version. */
async function copyRows(yaml: string, redisPort: number): Promise<string> {
  const definitions = await loadDefinitions(yaml, { env: {} });
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  const redis = new Redis({ port: redisPort, host: LOOPBACK });
  try {
    const ids = Array.from({ length: CUSTOMERS }, (_, i) => i + 1);
    const packed = await redis.mgetBuffer(ids.map((id) => `f:${id}`));
    const eventTime = systemClock.now() - 60_000_000;
    const rows = ids.map((id, i) => ({
      entityKey: [BigInt(id)],
      eventTime,
      createdTime: eventTime,
      values: FEATURES.map((_, feature) => (packed[i] as Buffer).readFloatLE(feature * 4)),
    }));
    await store.write(findView(definitions, "churn_features"), rows, {
      tenant: "default",
      deadline: performance.now() + 60_000,
    });
    return /redis_version:(\S+)/.exec(await redis.info("server"))?.[1] ?? "";
  } finally {
    redis.disconnect();
  }
}

/** A fast server that answers something else proves nothing. */
async function proveAlike(...servers: readonly Contender[]): Promise<void> {
  const body = JSON.stringify({ entity_rows: Array.from({ length: 100 }, (_, i) => ({ customer_id: 1 + i * 99 })) });
  const answers = await Promise.all(
    servers.map(async ({ name, port }) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`http://${LOOPBACK}:${port}/predict`, { method: "POST", headers, body });
      if (answer.status !== 200) throw new Error(`${name} answered ${answer.status}: ${await answer.text()}`);
      return JSON.stringify(((await answer.json()) as { predictions: unknown }).predictions);
    }),
  );
  if (new Set(answers).size !== 1) throw new Error("The servers predict different things");
}

function versionOf(name: string): string {
  const file = join(PACKAGE, "node_modules", name, "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** With a deadline that no slow moment of the machine misses: what is measured is not how soon a caller is told that the store is slow. */
function definitionsText(connectionString: string): string {
  const features = FEATURES.map((name) => `{ name: ${name}, type: float32 }`).join(", ");
  return `project: bench
online_store: { type: redis, connection_string: "${connectionString}", layout: packed, deadline: 1s }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - { name: churn_features, entity: customer, ttl: 30d, features: [${features}] }
feature_services:
  - { name: churn_v1, features: [${FEATURES.map((name) => `"churn_features:${name}"`).join(", ")}] }
models:
  - name: churn
    path: ${JSON.stringify(MODEL)}
    feature_service: churn_v1
    prediction: { name: churn_probability, output: probabilities, index: 1 }
`;
}
