import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ChildHandle, startProcess } from "./process.ts";

/** One broker of a test's cluster, which is its own controller, too. */
export interface KafkaNode {
  readonly id: number;
  /** Of the running process; another one after `restart`. */
  readonly pid: number;
  /** What the broker has logged: warnings, errors and its start. */
  readonly log: string;
  /** Sends a signal. Resolves when the broker has ended, or at once for SIGSTOP and SIGCONT, which only halt it and let it go on. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Ends the broker (SIGKILL) if it runs, starts it again on the same data and ports, and waits until it serves. */
  restart(): Promise<void>;
}

/** Where Kafka is installed and what a node's data begin with. */
export interface NodePlan {
  /** Holds `lib` with the jars, and `classes.jsa`. */
  readonly home: string;
  readonly id: number;
  /** The node's own folder: `server.properties`, `data`. */
  readonly folder: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly heapMegabytes: number;
}

export const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg";

/** Writes what `StorageTool format` would write, without the JVM it takes. */
export async function layOut(plan: NodePlan, checkpoint: string): Promise<void> {
  const metadata = join(plan.folder, "data", "__cluster_metadata-0");
  await mkdir(metadata, { recursive: true });
  await copyFile(checkpoint, join(metadata, "00000000000000000000-0000000000.checkpoint"));
  // Kafka's ids are 16 bytes in base64url; those that begin with many zero bits are its own.
  const directory = Buffer.from(`larder-node-${String(plan.id).padStart(4, "0")}`).toString("base64url");
  const meta = `version=1\ncluster.id=${CLUSTER_ID}\nnode.id=${plan.id}\ndirectory.id=${directory}\n`;
  await writeFile(join(plan.folder, "data", "meta.properties"), meta);
  await writeProperties(plan);
}

/** Writes `server.properties`. */
export async function writeProperties({ folder, properties }: NodePlan): Promise<void> {
  await mkdir(folder, { recursive: true });
  // In a properties file a backslash is an escape; none of the values has another use for it.
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value.replaceAll("\\", "\\\\")}\n`);
  await writeFile(join(folder, "server.properties"), lines.join(""));
}

/** A node whose broker has been started, though it may not serve yet: `ready` tells. */
export async function startNode(plan: NodePlan): Promise<KafkaNode & { ready(): Promise<void> }> {
  let child = await spawnBroker(plan);
  const kill = async (signal: NodeJS.Signals = "SIGKILL") => {
    child.signal(signal);
    if (signal !== "SIGSTOP" && signal !== "SIGCONT") await child.waitForExit();
  };
  const ready = async () => {
    await child.waitForLine(/Kafka Server started/, READY_MS);
  };
  return {
    id: plan.id,
    get pid() {
      return child.pid;
    },
    get log() {
      return child.stdout + child.stderr;
    },
    kill,
    async restart() {
      await kill();
      child = await spawnBroker(plan);
      await ready();
    },
    ready,
  };
}

const READY_MS = 120_000;

function spawnBroker(plan: NodePlan): Promise<ChildHandle> {
  const java = [
    "-Xshare:auto",
    "-XX:SharedArchiveFile=classes.jsa",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xms64m",
    `-Xmx${plan.heapMegabytes}m`,
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
  ];
  const args = [...java, "-cp", "lib/*", "kafka.Kafka", join(plan.folder, "server.properties")];
  return startProcess("java", args, { cwd: plan.home, folder: plan.folder });
}
