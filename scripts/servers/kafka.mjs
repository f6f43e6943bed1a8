import { execFile, spawn } from "node:child_process";
import { copyFile, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { installOnce } from "../install-once.mjs";
import { RemedyError } from "./remedy-error.mjs";

const run = promisify(execFile);
const REMEDY =
  "Put Java 17 or newer and Maven on PATH (Debian, Ubuntu: apt-get install openjdk-17-jre-headless maven; macOS: brew install openjdk maven)";
const POM = fileURLToPath(new URL("kafka-pom.xml", import.meta.url));

/**
 * A Kafka broker of exactly `version` in the cache: its jars from Maven Central in `lib`, `bootstrap.checkpoint`, which every new broker's data
 * begin with, and `classes.jsa`, which halves the start. It runs on the machine's Java.
 */
export async function provideKafka({ cache, version }) {
  const folder = join(cache, "servers", "kafka");
  const java = await javaVersion();
  if (!(java >= 17)) {
    const found = java === undefined ? "There is no Java on PATH" : `The Java on PATH is ${java}`;
    throw new RemedyError(`${found}, and Kafka ${version} needs 17`, REMEDY);
  }
  await installOnce(folder, async (temporary) => {
    await fetchJars(join(temporary, "lib"), version);
    await trialRun(temporary);
  });
  const found = await versionIn(folder);
  if (found === version) return `Kafka ${version} in the cache, on Java ${java}`;
  throw new RemedyError(`${folder} holds Kafka ${found ?? "of no version"}, not ${version}`, "Remove that folder");
}

const CHECKPOINT = "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint";
const QUICK = ["-XX:+UseSerialGC", "-Xmx384m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"];

async function javaVersion() {
  // Java tells its version on stderr.
  const said = await run("java", ["-version"], { timeout: 30_000 }).catch(() => undefined);
  return said === undefined ? undefined : Number(/version "(\d+)/.exec(said.stderr)?.[1]);
}

async function versionIn(folder) {
  const names = await readdir(join(folder, "lib")).catch(() => []);
  return names.map((name) => /^kafka_2\.13-(.+)\.jar$/.exec(name)?.[1]).find((version) => version !== undefined);
}

async function fetchJars(folder, version) {
  const goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
  const settings = [`-Dkafka.version=${version}`, "-DincludeScope=runtime", `-DoutputDirectory=${folder}`];
  try {
    await run("mvn", ["-q", "-B", "-ntp", "-f", POM, goal, ...settings], { timeout: 280_000 });
  } catch (error) {
    if (error.code === "ENOENT") throw new RemedyError("Maven is not on PATH, so Kafka can't be fetched", REMEDY);
    const said = String(error.stdout || error.message)
      .trim()
      .split("\n")[0];
    throw new RemedyError(`Maven could not fetch Kafka ${version} (${said})`, "Check the way to Maven Central", error);
  }
}

/** Formats a broker's data to get the checkpoint, then runs it once to learn which classes a start needs. */
async function trialRun(folder) {
  const trial = join(folder, "trial");
  await mkdir(trial);
  const [client, controller] = [await freePort(), await freePort()];
  const properties = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": join(trial, "data"),
  };
  const file = join(trial, "server.properties");
  await writeFile(
    file,
    Object.entries(properties)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(""),
  );
  // The class path is relative, since the archive names it and the folder is renamed afterwards.
  const java = (args) => ["-XX:TieredStopAtLevel=1", ...QUICK, ...args];
  const format = ["-cp", "lib/*", "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", file];
  await run("java", java(format), { cwd: folder, timeout: 60_000 });
  await copyFile(join(trial, "data", CHECKPOINT), join(folder, "bootstrap.checkpoint"));
  const log = "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info";
  const serve = java([log, "-XX:ArchiveClassesAtExit=classes.jsa", "-cp", "lib/*", "kafka.Kafka", file]);
  await startAndEnd("java", serve, folder);
  await rm(trial, { recursive: true, force: true });
}

/** Runs a broker until it says that it has started, and ends it. */
async function startAndEnd(command, args, cwd) {
  const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), 90_000);
  let said = "";
  const hear = (bytes) => {
    said += bytes;
    if (said.includes("Kafka Server started")) child.kill("SIGTERM");
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  await new Promise((resolve, reject) => child.once("close", resolve).once("error", reject));
  clearTimeout(timer);
  if (!said.includes("Kafka Server started")) {
    throw new RemedyError(`The broker did not start (${said.trim().split("\n").at(-1)})`, REMEDY);
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
