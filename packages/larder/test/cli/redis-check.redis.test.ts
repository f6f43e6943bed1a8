import { startRedis, startRedisCluster } from "@larder/testkit";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { STORE, YAML } from "../definitions.ts";
import { createProject } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

interface Finding {
  readonly severity: string;
  readonly setting: string;
  readonly config: string | null;
}

/** What the verb says of a store. */
async function checkOf(store: string, ...options: readonly string[]) {
  await using project = await createProject(YAML.replace(STORE, store));
  const terminal = plainTerminal(undefined, project.folder);
  const exitCode = await runCli(["redis", "check", ...options], terminal);
  return { exitCode, terminal };
}

async function findingsOf(store: string) {
  const { exitCode, terminal } = await checkOf(store, "--json");
  const { healthy, findings } = JSON.parse(terminal.said) as { healthy: boolean; findings: Finding[] };
  return { exitCode, healthy, found: findings.map(({ severity, setting }) => `${severity} ${setting}`), findings };
}

const GOOD = ["--maxmemory", "1gb", "--appendonly", "yes"];

async function checkedServer(...args: readonly string[]) {
  await using redis = await startRedis({ args: [...GOOD, ...args] });
  return await findingsOf(`{ type: redis, connection_string: "${redis.connectionString}" }`);
}

test("a server as the documents want it leaves nothing to say", async () => {
  expect(await checkedServer()).toMatchObject({ exitCode: 0, healthy: true, found: [] });
});

test("eviction that could drop meta is refused, with the line that makes it good", async () => {
  const { exitCode, healthy, findings } = await checkedServer("--maxmemory-policy", "allkeys-lfu");
  expect([exitCode, healthy]).toEqual([1, false]);
  expect(findings).toMatchObject([
    { severity: "problem", setting: "maxmemory-policy", config: "maxmemory-policy volatile-ttl" },
  ]);
});

test.each([
  ["volatile-lru", ["--maxmemory-policy", "volatile-lru"], "maxmemory-policy volatile-ttl"],
  ["no maxmemory", ["--maxmemory", "0"], "maxmemory 6gb"],
  ["nearly full", ["--maxmemory", "1mb"], null],
  ["small listpacks", ["--hash-max-listpack-value", "64"], "hash-max-listpack-value 512"],
  ["no persistence", ["--appendonly", "no", "--save", ""], "appendonly yes"],
  ["snapshots alone", ["--appendonly", "no", "--save", "60 1"], "appendonly yes"],
  ["much lag", ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "60"], "min-replicas-max-lag 10"],
  ["writable replicas", ["--replica-read-only", "no"], "replica-read-only yes"],
  ["idle clients cut off", ["--timeout", "30"], "timeout 0"],
  ["dead clients kept", ["--tcp-keepalive", "0"], "tcp-keepalive 300"],
])("%s: one warning, with its line", async (_, args, line) => {
  const { exitCode, findings } = await checkedServer(...args);
  expect(exitCode).toBe(0);
  expect(findings).toMatchObject([{ severity: "warning", config: line }]);
});

test("a cluster is looked at in every primary, and each fault is said once", async () => {
  await using cluster = await startRedisCluster({ args: [...GOOD, "--timeout", "9"] });
  const store = `{ type: redis, redis_type: redis_cluster, connection_string: "${cluster.connectionString}" }`;
  const { found } = await findingsOf(store);
  expect(found).toEqual(["warning cluster-require-full-coverage", "warning timeout"]);
});

test("where CONFIG is not allowed it tells what it could not look at, and still finds what INFO tells", async () => {
  const acl = ["--user", "app", "on", ">pw", "~*", "&*", "+@all", "-config", "--maxmemory-policy", "allkeys-lru"];
  await using redis = await startRedis({ args: [...GOOD, ...acl] });
  const store = `{ type: redis, connection_string: "${redis.connectionString},username=app,password=pw" }`;
  const { exitCode, found } = await findingsOf(store);
  expect(exitCode).toBe(1);
  expect(found).toEqual(["problem maxmemory-policy", "warning CONFIG"]);
});

test("a store without a server is not its business", async () => {
  const { exitCode, terminal } = await checkOf(STORE);
  expect(exitCode).toBe(2);
  expect(terminal.talked).toContain("UNSUPPORTED");
});
