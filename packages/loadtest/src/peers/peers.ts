import { join } from "node:path";
import { freePort } from "@larder/testkit";
import { type Data, FEATURES, type LarderOptions, PATHS, peersPython, QUIET } from "./data.ts";
import { type Launch, type ServerProcess, startServer } from "./server-process.ts";

export type Work = "lookup" | "predict";

/** Somebody's server for the same work. */
export interface Peer {
  readonly name: string;
  readonly work: readonly Work[];
  /** False of what only shows a cause, or stands for another one in an outage. */
  readonly inOutage: boolean;
  /** False of what is looked at in an outage alone. */
  readonly measured: boolean;
  /** Starts another one, on a port of its own. */
  start(): Promise<ServerProcess>;
}

/** What is asked of every server, and where. */
export const PATH: Readonly<Record<Work, string>> = { lookup: "/get-online-features", predict: "/predict" };

/** The body of a request for these customers. */
export function bodyOf(work: Work, customers: readonly number[]): object {
  return work === "lookup"
    ? { feature_service: "churn_v1", entities: { customer_id: customers } }
    : { entity_rows: customers.map((customer_id) => ({ customer_id })) };
}

/** All of them, on the data. */
export function peersOn(data: Data, redisPort: number): readonly Peer[] {
  const python = peersPython();
  const redis = String(redisPort);
  const bento = (name: string, gc: "on" | "off"): Peer => ({
    name,
    work: ["predict"],
    inOutage: gc === "on",
    measured: true,
    start: launch("predict", (port) => ({
      command: python,
      args: [...["-m", "bentoml", "serve", "bento_service:Churn"], ...["--host", "127.0.0.1", "--port", port]],
      env: {
        ...QUIET,
        ...{ BENTOML_HOME: join(data.feast, "bentoml"), PYTHON_GC: gc, MODEL: PATHS.model },
        ...{ FEAST_REPOSITORY: data.feast, FEATURES: FEATURES.join(",") },
      },
      cwd: PATHS.programs,
    })),
  });
  const larder = (name: string, which: "measured" | "inOutage", options: LarderOptions): Peer => ({
    name,
    work: ["lookup", "predict"],
    inOutage: which === "inOutage",
    measured: which === "measured",
    start: launch("predict", (port) => ({
      command: process.execPath,
      args: [PATHS.larder, "serve", "--file", data.larder(name.replaceAll(/\W+/g, "-"), options), "--port", port],
    })),
  });
  return [
    {
      name: "Feast's Python server",
      work: ["lookup"],
      inOutage: true,
      measured: true,
      start: launch("lookup", (port) => ({
        command: python,
        args: [
          ...["-m", "feast.cli.cli", "serve", "--port", port, "--workers", "1"],
          ...["--max-requests", "0", "--no-access-log", "--registry_ttl_sec", "0"],
        ],
        env: QUIET,
        cwd: data.feast,
      })),
    },
    bento("BentoML on Feast", "on"),
    bento("BentoML on Feast, garbage collector off", "off"),
    {
      name: "FastAPI by hand",
      work: ["lookup", "predict"],
      inOutage: true,
      measured: true,
      start: launch("predict", (port) => ({
        command: python,
        args: [join(PATHS.programs, "fast_server.py"), port, redis, PATHS.model, FEATURES.join(",")],
      })),
    },
    {
      name: "Node by hand (the floor)",
      work: ["predict"],
      inOutage: true,
      measured: true,
      start: launch("predict", (port) => ({
        command: process.execPath,
        args: [PATHS.floor],
        env: { NODE_ROOT: PATHS.nodeRoot, REDIS_PORT: redis, MODEL: PATHS.model, PORT: port },
      })),
    },
    // How soon a caller is told of a slow store is not what is measured, so no slow moment of the machine may miss the deadline.
    larder("Larder", "measured", { layout: "packed", deadline: "1s" }),
    larder("Larder on Feast's rows", "measured", { layout: "feast", deadline: "1s" }),
    larder("Larder, as it comes", "inOutage", { layout: "packed" }),
    larder("Larder, policy stale", "inOutage", {
      layout: "packed",
      onStoreFailure: "{ policy: stale, max_age: 1h }",
    }),
  ];
}

function launch(work: Work, how: (port: string) => Omit<Launch, "port" | "first">): () => Promise<ServerProcess> {
  return async () => {
    const port = await freePort();
    return startServer({ ...how(String(port)), port, first: { path: PATH[work], body: bodyOf(work, [1]) } });
  };
}
