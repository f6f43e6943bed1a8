import { startRedis } from "@larder/testkit";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { STORE, YAML } from "../definitions.ts";
import { createProject } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

/** What doctor says of a server that was started like this. */
async function findingsOf(args: readonly string[], login = ""): Promise<unknown[]> {
  await using redis = await startRedis({ args });
  const store = `{ type: redis, connection_string: "${redis.connectionString}${login}" }`;
  await using project = await createProject(YAML.replace(STORE, store));
  const terminal = plainTerminal(undefined, project.folder);
  await runCli(["doctor", "--json"], terminal);
  const { findings } = JSON.parse(terminal.said) as { readonly findings: { readonly check: string }[] };
  return findings.filter(({ check }) => check === "online store (redis)");
}

test("doctor is content with a server as the documents want it", async () => {
  const args = ["--maxmemory", "1gb", "--appendonly", "yes"];
  expect(await findingsOf(args)).toMatchObject([{ state: "ok", what: expect.stringMatching(/^answers in/) }]);
});

test("doctor names settings that cost memory or lose rows", async () => {
  const args = ["--hash-max-listpack-value", "64", "--maxmemory-policy", "allkeys-lru", "--maxmemory", "1gb"];
  expect(await findingsOf(args)).toMatchObject([
    { state: "ok" },
    { state: "problem", what: expect.stringContaining("maxmemory-policy is allkeys-lru") },
    {
      state: "warning",
      what: expect.stringContaining("hash-max-listpack-value is 64"),
      remedy: expect.stringContaining("(hash-max-listpack-value 512)"),
    },
    { state: "warning", what: expect.stringContaining("appendonly is no and save is off") },
  ]);
});

test("doctor says when it may not look at the settings", async () => {
  const args = ["--user", "app", "on", ">pw", "~*", "&*", "+@all", "-config"];
  expect(await findingsOf(args, ",username=app,password=pw")).toMatchObject([
    { state: "ok" },
    {
      state: "warning",
      what: expect.stringMatching(/^The user may not read the server's settings; not looked at: hash/),
    },
    { state: "warning", what: expect.stringContaining("maxmemory is not set") },
    { state: "warning", what: expect.stringContaining("appendonly is no") },
  ]);
});
