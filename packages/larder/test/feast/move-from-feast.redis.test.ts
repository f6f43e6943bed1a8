import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type RedisServer, runProcess, startProcess, startRedis } from "@larder/testkit";
import { expect, test } from "vitest";
import { createProject, LARDER, type Project } from "../project.ts";
import { churnRows, fillRedis, golden, recordedTelco, usageRows } from "./golden.ts";

const GUIDE = join(import.meta.dirname, "../../../../docs/feast.md");

test("the guide's commands move a repository: import, validate, get and serve on Feast's rows, then packed rows by materialize", async () => {
  await using redis = await startRedis();
  await fillRedis(redis, recordedTelco().rows);
  await using project = await createProject();
  await createRepo(project);
  const { commands, yaml } = await readGuide();
  const run = async (command: string) => {
    const args = command.split(" ").slice(1);
    const done = await runProcess(process.execPath, [...LARDER, ...args.map((arg) => arg.replace("REPO", "repo"))], {
      cwd: project.folder,
      env: environment(redis),
      ms: 120_000,
    });
    expect(done.code, `${command}: ${done.stderr}`).toBe(0);
    return done.stdout;
  };
  const [importing = "", validate = "", get = "", serve = "", materialize = "", ...more] = commands;
  expect([serve, more]).toEqual(["larder serve", []]);

  expect(await run(`${importing} --yes`)).toContain("project telco, 2 entities, 2 feature views, 2 feature services");
  // Waits are not what this is about.
  const file = project.path("feature_store.yaml");
  await edit(file, "layout: feast", "layout: feast, deadline: 10s");
  await edit(file, "/srv/telco/", `${project.folder}/`);
  expect(await run(validate)).toContain("valid");
  const before = JSON.parse(await run(`${get} --json`));
  expect(
    before.features.map(({ name, value, status }: Record<string, unknown>) => [name, value, status]),
  ).toContainEqual(["contract", "Month-to-month", "PRESENT"]);
  expect(await served(project, redis)).toEqual([1, "Month-to-month"]);

  await edit(file, /^online_store: .*$/m, yaml.trim().replace("redis:6379", redis.connectionString));
  await edit(file, "layout: packed", "layout: packed, deadline: 10s");
  const empty = JSON.parse(await run(`${get} --json`));
  expect(new Set(empty.features.map(({ status }: { status: string }) => status))).toEqual(new Set(["NOT_FOUND"]));
  await run(materialize);
  const after = JSON.parse(await run(`${get} --json`));
  const values = ({ features }: typeof before) =>
    features.map(({ name, value }: Record<string, unknown>) => [name, value]);
  expect(values(after)).toEqual(values(before));
}, 240_000);

/** The repository as Feast has it, its registry and its source files. */
async function createRepo(project: Project): Promise<void> {
  await project.write("repo/feature_store.yaml", await readFile(golden("repo/feature_store.yaml")));
  await project.write("state/placeholder", "");
  await copyFile(golden("registry.db"), project.path("state/registry.db"));
  await project.parquet("data/churn.parquet", churnRows("2024-01-15"));
  await project.parquet("data/usage.parquet", usageRows("2024-01-15"));
}

/** What the repository's file takes its paths and ports from. */
function environment({ port }: RedisServer): Record<string, string | undefined> {
  const feast = { PEER_STATE: "../state", PEER_REDIS_PORT: String(port), PEER_OFFLINE: "dask" };
  return { ...feast, INIT_CWD: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined };
}

/** Commands and the last yaml of "Move from Feast". */
async function readGuide(): Promise<{ readonly commands: readonly string[]; readonly yaml: string }> {
  const [, section = ""] = (await readFile(GUIDE, "utf8")).split("\n## Move from Feast\n");
  const [text = ""] = section.split("\n## ");
  const blocks = [...text.matchAll(/^```(sh|yaml)\n(.*?)^```/gms)].map(([, language, block = ""]) => ({
    language,
    block,
  }));
  const commands = blocks.flatMap(({ language, block }) => (language === "sh" ? block.trim().split("\n") : []));
  return { commands, yaml: blocks.findLast(({ language }) => language === "yaml")?.block ?? "" };
}

async function served(project: Project, redis: RedisServer): Promise<unknown> {
  await using child = await startProcess(process.execPath, [...LARDER, "serve", "--port", "0", "--json"], {
    cwd: project.folder,
    env: environment(redis),
  });
  const { url } = JSON.parse(await child.waitForLine(/^\{"url"/, 60_000)) as { url: string };
  const response = await fetch(`${url}/get-online-features`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      features: ["churn_features:tenure_months", "churn_features:contract"],
      entities: { customer_id: [1] },
    }),
  });
  const { results } = (await response.json()) as { results: { values: unknown[] }[] };
  return results.slice(1).map(({ values }) => values[0]);
}

async function edit(file: string, from: string | RegExp, to: string): Promise<void> {
  const before = await readFile(file, "utf8");
  const after = typeof from === "string" ? before.replaceAll(from, to) : before.replace(from, to);
  expect(after).not.toBe(before);
  await writeFile(file, after);
}
