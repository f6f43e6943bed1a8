import { existsSync, globSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { LOOPBACK, onFreePort } from "./free-port.ts";
import { type ChildHandle, startProcess } from "./process.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

/** A Spark Connect server of the test's own on a loopback port; it sees this machine's files. */
export interface SparkConnectServer {
  readonly port: number;
  /** `sc://host:port`, as Spark's clients take it. */
  readonly remote: string;
  /** What the server has logged. */
  readonly log: string;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts Sail, which speaks Spark Connect without Java. It never outlives this process. Fails with the remedy when there is none. */
export function startSail(): Promise<SparkConnectServer> {
  const program = join(environmentOf("sail"), "bin", "python");
  return start(async (port, folder) => {
    // By its python: the programs of an environment name the folder that they were installed in.
    const args = ["-c", "from pysail.cli import main; main()", "spark", "server", "--port", String(port)];
    const child = await startProcess(program, args, { cwd: folder, folder });
    await ready(child, /Starting the Spark Connect server on/, SAIL_MS);
    // The log says so before the port is open.
    await until(SAIL_MS, "Sail listens", () => listens(port));
    return child;
  });
}

/** Starts real Spark, with its master in the same process. Takes some ten seconds and a gigabyte. */
export function startSpark(): Promise<SparkConnectServer> {
  const [home] = globSync(join(environmentOf("spark"), "lib", "python3*", "site-packages", "pyspark"));
  if (home === undefined) throw missing("spark");
  return start(async (port, folder) => {
    const settings = {
      "spark.connect.grpc.binding.address": LOOPBACK,
      "spark.connect.grpc.binding.port": String(port),
      "spark.driver.host": LOOPBACK,
      "spark.driver.memory": "1g",
      "spark.sql.shuffle.partitions": "2",
      "spark.ui.enabled": "false",
    };
    const args = [
      ...["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", "local[2]"],
      ...Object.entries(settings).flatMap(([key, value]) => ["--conf", `${key}=${value}`]),
    ];
    const env = { SPARK_HOME: home, SPARK_LOCAL_IP: LOOPBACK, SPARK_LOCAL_DIRS: folder };
    const child = await startProcess(join(home, "bin", "spark-submit"), args, { cwd: folder, folder, env });
    return ready(child, /Spark Connect server started at/, SPARK_MS);
  });
}

const SAIL_MS = 60_000;
const SPARK_MS = 150_000;

async function start(open: (port: number, folder: string) => Promise<ChildHandle>): Promise<SparkConnectServer> {
  const folder = await temporaryFolder();
  try {
    const { port, child } = await onFreePort(async (port) => ({ port, child: await open(port, folder.path) }));
    const stop = async (): Promise<void> => {
      await child.end();
      await folder.remove();
    };
    return {
      port,
      remote: `sc://${LOOPBACK}:${port}`,
      get log() {
        return child.stdout + child.stderr;
      },
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

async function ready(child: ChildHandle, line: RegExp, ms: number): Promise<ChildHandle> {
  try {
    await child.waitForLine(line, ms);
    return child;
  } catch (error) {
    await child.end(0);
    throw error;
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK);
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy(undefined));
    socket.once("close", (failed) => resolve(!failed));
  });
}

function environmentOf(name: "sail" | "spark"): string {
  const folder = join(process.env["LARDER_CACHE"] ?? "", "servers", name);
  if (process.env["LARDER_CACHE"] === undefined || !existsSync(folder)) throw missing(name);
  return folder;
}

function missing(name: string): Error {
  return new Error(`There is no ${name} in the cache. Run "node scripts/servers/install.mjs ${name}".`);
}
