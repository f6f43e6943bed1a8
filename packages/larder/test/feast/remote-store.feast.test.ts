import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadDefinitions } from "@larder/schema";
import { buildApp, loadModels } from "@larder/serving";
import { openOnlineStore } from "@larder/store-core";
import {
  freePort,
  logicalClock,
  type RedisServer,
  runProcess,
  startProcess,
  startRedis,
  temporaryFolder,
  until,
} from "@larder/testkit";
import { expect, test } from "vitest";
import { importFeast } from "../../src/import-feast/import-feast.ts";
import { golden } from "./golden.ts";

const PEER = join(import.meta.dirname, "remote_peer.py");

/** Longest that Python takes to load Feast, and to write and read. */
const MS = 240_000;

/** After every event time of the peer. */
const NOW = Date.UTC(2026, 5, 3) * 1000;

type Answers = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

test("an application on Feast's SDK, with Larder as its remote online store, gets what Feast's own server gives it", async () => {
  await using folder = await temporaryFolder();
  await using feastRedis = await startRedis();
  await using larderRedis = await startRedis();
  await using feast = await serveFeast(folder.path, feastRedis);
  await using larder = await serveLarder(folder.path, larderRedis);

  const [expected = {}, strict, own = {}] = await ask(folder.path, [feast.url, `${larder.url}/feast`, larder.url]);
  expect(expected["list"]).toMatchObject({
    values: { tenure_months: [7, null, 7], contract: ["Zwei Jahre é", null, "Zwei Jahre é"] },
  });
  expect(expected["unknown view"]).toMatchObject({ class: "FeatureViewNotFoundException" });
  expect(strict).toEqual(expected);

  // Larder's own routes say why a value is not there, and more in an error; the rest is equal.
  const { values, statuses } = own["list"] as { values: unknown; statuses: Record<string, unknown> };
  expect(values).toEqual(expected["list"]?.["values"]);
  expect(statuses["total_charges"]).toEqual(["NULL_VALUE", "NOT_FOUND", "NULL_VALUE"]);
  expect(own["unknown view"]).toMatchObject({ class: "FeatureViewNotFoundException" });
  for (const name of ["columns", "full names", "service", "two views", "metadata"])
    expect([name, own[name]?.["values"]]).toEqual([name, expected[name]?.["values"]]);
  expect(own["online_read"]).toEqual(expected["online_read"]);
}, 600_000);

/** The repository's definitions with another online store; answers its folder. */
async function createRepo(folder: string, name: string, onlineStore: string): Promise<string> {
  const repo = join(folder, name);
  await mkdir(repo);
  await copyFile(golden("registry.db"), join(repo, "registry.db"));
  const yaml = `project: telco\nprovider: local\nregistry: { registry_type: file, path: registry.db }\nonline_store: ${onlineStore}
offline_store: { type: dask }\nentity_key_serialization_version: 3\n`;
  await writeFile(join(repo, "feature_store.yaml"), yaml);
  return repo;
}

function python(): string {
  return join(process.env["LARDER_CACHE"] ?? "", "servers", "feast", "bin", "python");
}

const env = { PYTHONDONTWRITEBYTECODE: "1" };

async function serveFeast(folder: string, { port: redis }: RedisServer) {
  const repo = await createRepo(folder, "served", `{ type: redis, connection_string: "127.0.0.1:${redis}" }`);
  const port = await freePort();
  const child = await startProcess(python(), [PEER, "serve", repo, String(port)], { cwd: repo, env });
  const url = `http://127.0.0.1:${port}`;
  await until(MS, "Feast's server answers", () =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return { url, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

async function serveLarder(folder: string, redis: RedisServer) {
  const out = join(folder, "larder.yaml");
  await importFeast({
    from: golden("registry.db"),
    out,
    project: "telco",
    connectionString: redis.connectionString,
    env: {},
  });
  const yaml = await readFile(out, "utf8");
  await writeFile(out, yaml.replace("layout: feast", "layout: feast, deadline: 10s, write_deadline: 10s"));
  const definitions = await loadDefinitions(out, { env: {} });
  const clock = logicalClock(NOW);
  const store = await openOnlineStore(definitions, { clock });
  const models = await loadModels(definitions);
  const app = await buildApp({ definitions, store, models, clock });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const close = async () => {
    await app.close();
    await models.close();
    await store.close();
  };
  return { url, [Symbol.asyncDispose]: close };
}

/** What the SDK answers with each of these servers as its online store, in one process: most of its time goes into loading Feast. */
async function ask(folder: string, urls: readonly string[]): Promise<readonly Answers[]> {
  const repos = await Promise.all(
    urls.map((url, i) => createRepo(folder, `asks-${i}`, `{ type: remote, path: "${url}" }`)),
  );
  const { code, stdout, stderr } = await runProcess(python(), [PEER, "ask", ...repos], { cwd: folder, env, ms: MS });
  expect(code, stderr.slice(-2_000)).toBe(0);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Answers[];
}
