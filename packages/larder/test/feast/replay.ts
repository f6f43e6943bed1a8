import { readFile, writeFile } from "node:fs/promises";
import { loadDefinitions, stringifyJson } from "@larder/schema";
import { buildApp, loadModels } from "@larder/serving";
import { openOnlineStore } from "@larder/store-core";
import { logicalClock, type RedisServer } from "@larder/testkit";
import { expect } from "vitest";
import { createMaterialize } from "../../src/materialize-function.ts";
import { createProject } from "../project.ts";
import { isEqual } from "./compare-answers.ts";
import type { Differences } from "./differences.ts";
import { churnRows, fillRedis, type Recorded, usageRows } from "./golden.ts";

/** After the last event time of the requests. */
const NOW = Date.UTC(2026, 5, 3) * 1000;

/** How requests are sent: to routes below a path, whose answers differ as a list says. */
export interface ReplayOptions {
  readonly prefix: string;
  readonly differences: Differences;
}

/** Imports the registry, and sends what was sent to Feast to Larder on Feast's rows: each answer is equal, or differs as the list says. */
export async function replay(
  redis: RedisServer,
  { registry, project: name, rows, pairs }: Recorded,
  { prefix, differences }: ReplayOptions,
): Promise<void> {
  await fillRedis(redis, rows);
  await using project = await createProject();
  const out = project.path("imported.yaml");
  const more = ["--project", name, "--connection-string", redis.connectionString];
  const imported = await project.larder("import-feast", registry, "--out", out, ...more);
  expect(imported.code, imported.stderr).toBe(0);
  await project.parquet("data/churn.parquet", churnRows("2026-06-01"));
  await project.parquet("data/usage.parquet", usageRows("2026-06-01"));
  // Feast's data lies elsewhere here; and what this is about is no deadline.
  const yaml = (await readFile(out, "utf8")).replaceAll("/srv/telco/", `${project.folder}/`);
  await writeFile(out, yaml.replace("layout: feast", "layout: feast, deadline: 10s, write_deadline: 10s"));

  const definitions = await loadDefinitions(out, { env: {} });
  const clock = logicalClock(NOW);
  await using store = await openOnlineStore(definitions, { clock });
  await using models = await loadModels(definitions);
  const materialize = createMaterialize({ definitions, store, clock }, out, {});
  await using app = await buildApp({ definitions, store, models, clock, materialize });
  const unequal: Record<string, number> = {};
  for (const pair of pairs) {
    const { method, path, body, raw_body, headers } = pair.request;
    const { statusCode, body: text } = await app.inject({
      method,
      url: prefix + path,
      ...(method === "GET" ? {} : { payload: raw_body ?? stringifyJson(body) }),
      headers: method === "GET" ? {} : { "content-type": "application/json", ...headers },
    });
    const answer = { status: statusCode, body: text };
    if (isEqual(pair, answer)) continue;
    unequal[pair.name] = statusCode;
    for (const [difference, { pairs: known, holds }] of Object.entries(differences)) {
      if (Object.hasOwn(known, pair.name))
        expect(holds(pair, answer), `${difference}: ${pair.name}: ${text}`).toBe(true);
    }
  }
  const known = Object.values(differences).flatMap((difference) => Object.entries(difference.pairs));
  const sent = new Set(pairs.map((pair) => pair.name));
  expect(unequal).toEqual(Object.fromEntries(known.filter(([pair]) => sent.has(pair))));
}
