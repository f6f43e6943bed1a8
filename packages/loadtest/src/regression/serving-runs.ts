import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { LarderError } from "@larder/schema";
import { type ChildHandle, type RedisServer, runProcess, startProcess, temporaryFolder } from "@larder/testkit";
import { type OpenLoad, openLoad } from "./open-load.ts";
import { percentile } from "./ratio-interval.ts";
import { REPOSITORY, type SourceTree } from "./source-tree.ts";
import type { Series } from "./verdict.ts";

const CUSTOMERS = 2_000;

/** The 19 columns of the model's matrix. */
const FEATURES = Array.from({ length: 19 }, (_, at) => `f${at}`);
const MODEL = join(REPOSITORY, "packages", "serving", "test", "fixtures", "churn", "churn_numeric.onnx");

/** Calm: nobody waits behind another, so that a request's own time is what is compared. */
const RATE = 250;
/** Short, so that there can be many: what disturbs one round is then one of many. */
const ROUND_MS = 400;
const WARM_UP_MS = 3_000;

/** The folder where a user stood who asked for this is not where these processes are to look. */
const HERE = { INIT_CWD: undefined };

/** Of util-linux. */
const TASKSET = "taskset";
const SERVER_CORE = 0;
const OTHER_CORE = 1;

/** One kind of request. */
interface Kind {
  readonly name: string;
  readonly path: string;
  readonly bodies: readonly string[];
}

const ids = (rows: number, turn: number) =>
  Array.from({ length: rows }, (_, row) => 1 + ((turn * 101 + row * 53) % CUSTOMERS));
const KINDS: readonly Kind[] = [
  {
    name: "predict, 1 row",
    path: "/predict",
    bodies: turns((turn) => ({ entity_rows: ids(1, turn).map((customer_id) => ({ customer_id })) })),
  },
  {
    name: "features, 10 rows",
    path: "/get-online-features",
    bodies: turns((turn) => ({ feature_service: "churn_v1", entities: { customer_id: ids(10, turn) } })),
  },
];

/**
 * Starts `larder serve` of each tree on the same Redis and rows, asks them in turns at the same rate, and answers per tree and kind of request, for
 * each round: p50 and p99 in milliseconds, and CPU microseconds of a request.
 * @throws SERVER_UNAVAILABLE, REQUEST_FAILED naming the tree
 */
export async function servingInTurns(
  trees: readonly SourceTree[],
  redis: RedisServer,
  rounds: number,
  tell: (text: string) => void,
): Promise<readonly (readonly Series[])[]> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const yaml = join(folder.path, "feature_store.yaml");
  await writeFile(yaml, definitionsText(redis.connectionString));
  await writeFile(join(folder.path, "rows.ndjson"), rowsText());
  const pinned = availableParallelism() > 1 && pin(redis.pid, OTHER_CORE) && pin(process.pid, OTHER_CORE);
  await fill(trees[0] as SourceTree, folder.path);
  const servers: Server[] = [];
  for (const tree of trees) servers.push(stack.use(await startServer(tree, folder.path, pinned)));
  for (const kind of KINDS) for (const server of servers) await round(server, kind, WARM_UP_MS);

  const found = servers.map(() => new Map<string, number[]>());
  for (let turn = 0; turn < rounds; turn++) {
    tell(`serving: round ${turn + 1} of ${rounds}`);
    const order = [...servers.entries()];
    for (const kind of KINDS) {
      for (const [at, server] of turn % 2 === 0 ? order : order.toReversed()) {
        for (const [name, value] of Object.entries(await round(server, kind, ROUND_MS))) {
          const key = `${kind.name}: ${name}`;
          found[at]?.set(key, [...(found[at]?.get(key) ?? []), value]);
        }
      }
    }
  }
  return found.map((series) => [...series].map(([name, values]) => ({ name, better: "lower", values })));
}

interface Server extends AsyncDisposable {
  readonly tree: SourceTree;
  readonly child: ChildHandle;
  readonly load: OpenLoad;
}

async function round({ tree, child, load }: Server, { name, path, bodies }: Kind, milliseconds: number) {
  const before = cpuOf(child.pid);
  const { times, failures } = await load.run(path, bodies, RATE, milliseconds);
  const cpu = (cpuOf(child.pid) - before) / times.length;
  if (failures === 0) return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), cpu };
  throw new LarderError("REQUEST_FAILED", {
    what: `${failures} of ${failures + times.length} requests (${name}) of ${tree.name} were not answered 200`,
    remedy: "See that larder serve of that commit works, with definitions and rows of this one",
  });
}

async function startServer(tree: SourceTree, cwd: string, pinned: boolean): Promise<Server> {
  const args = [...larder(tree), "serve", "--port", "0"];
  const child = pinned
    ? await startProcess(TASKSET, ["-c", String(SERVER_CORE), process.execPath, ...args], { cwd, env: HERE })
    : await startProcess(process.execPath, args, { cwd, env: HERE });
  try {
    const line = await child.waitForLine(/^Larder serves at /, 60_000);
    const load = openLoad(line.slice(line.lastIndexOf("http")));
    const end = async () => {
      load[Symbol.dispose]();
      await child.end();
    };
    return { tree, child, load, [Symbol.asyncDispose]: end };
  } catch (cause) {
    await child.end();
    throw new LarderError("SERVER_UNAVAILABLE", {
      what: `larder serve of ${tree.name} did not start: ${child.stderr.trim().slice(-400)}`,
      remedy: "See that it starts alone",
      cause,
    });
  }
}

/** By the base's own command: rows are read by newer and older processes alike. */
async function fill(tree: SourceTree, cwd: string): Promise<void> {
  const push = [...larder(tree), "push", "churn_features", "--from", "rows.ndjson"];
  const { code, stderr } = await runProcess(process.execPath, push, { cwd, env: HERE, ms: 60_000 });
  if (code === 0) return;
  throw new LarderError("REQUEST_FAILED", {
    what: `larder push of ${tree.name} ended with ${code}: ${stderr.trim().slice(-400)}`,
    remedy: "See that it works alone",
  });
}

function larder({ folder }: SourceTree): readonly string[] {
  return ["--conditions=@larder/source", join(folder, "packages", "larder", "src", "cli", "main.ts")];
}

/** CPU time that a process with all its threads has taken, in microseconds. */
function cpuOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const each = threads.map((id) => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, "utf8").split(" ")[0]));
  return each.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1000;
}

/** Ties a process to one core; false where that cannot be done. */
function pin(pid: number, core: number): boolean {
  try {
    execFileSync(TASKSET, ["-apc", String(core), String(pid)], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function turns(body: (turn: number) => unknown): readonly string[] {
  return Array.from({ length: 97 }, (_, turn) => JSON.stringify(body(turn)));
}

function rowsText(): string {
  const time = new Date().toISOString();
  const row = (id: number) => FEATURES.map((name, at) => [name, ((id * (at + 3)) % 1000) / 10]);
  return Array.from({ length: CUSTOMERS }, (_, at) =>
    JSON.stringify({ customer_id: at + 1, event_timestamp: time, ...Object.fromEntries(row(at + 1)) }),
  ).join("\n");
}

function definitionsText(connectionString: string): string {
  const refs = FEATURES.map((name) => `"churn_features:${name}"`).join(", ");
  return `project: regression
online_store: { type: redis, connection_string: "${connectionString}", layout: packed, deadline: 5s, write_deadline: 10s }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - { name: churn_features, entity: customer, ttl: 30d, features: [${FEATURES.map((name) => `{ name: ${name}, type: float32 }`).join(", ")}] }
feature_services: [{ name: churn_v1, features: [${refs}] }]
models:
  - name: churn
    path: ${JSON.stringify(MODEL)}
    feature_service: churn_v1
    prediction: { name: churn_probability, output: probabilities, index: 1 }
`;
}
