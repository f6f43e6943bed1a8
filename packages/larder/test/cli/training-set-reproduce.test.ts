import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { FeatureStore } from "../../src/index.ts";
import { IN_MEMORY, PLANS } from "../definitions.ts";
import { createProject, type Project } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

const LABELS = `SELECT i % 3 AS customer_id, TIMESTAMP '2024-03-12' + to_hours(i::INTEGER) AS event_timestamp, i % 2 = 0 AS gone FROM range(20) AS t(i)`;

let project: Project;
beforeAll(async () => {
  project = await createProject(IN_MEMORY);
  await project.parquet("data/plans/a.parquet", PLANS);
  await project.parquet("labels.parquet", LABELS);
});
afterAll(() => project[Symbol.asyncDispose]());

async function larder(...args: readonly string[]) {
  const terminal = plainTerminal(undefined, project.folder);
  const code = await runCli(["training-set", ...args], terminal);
  return { code, said: terminal.said, talked: terminal.talked };
}

const train = (out: string, ...more: readonly string[]) =>
  larder("--entities", "labels.parquet", "--service", "plans_v1", "--out", out, ...more);

test("a set is built again from its manifest; a changed input ends with 1 and is named", async () => {
  await train("a.parquet");
  const again = await larder("--reproduce", "a.manifest.json");
  expect([again.code, again.talked]).toEqual([0, ""]);
  expect(again.said).toMatch(/^reproduced: 20 rows, byte for byte\nsha256 [0-9a-f]{64}\n$/);
  const json = JSON.parse((await larder("--reproduce", "a.manifest.json", "--out", "b.parquet", "--json")).said);
  expect(json).toMatchObject({ reproduced: true, inputs: [], features: [], out: project.path("b.parquet") });
  expect(existsSync(project.path("b.manifest.json"))).toBe(true);

  await project.parquet("data/plans/a.parquet", PLANS.replace("'more'", "'less'"));
  const changed = await larder("--reproduce", "a.manifest.json");
  expect(changed.code).toBe(1);
  expect(changed.said).toBe(
    "not reproduced\ninput of plans: data/plans/a.parquet changed\nnothing was built: what it was made from has changed\n",
  );
  await train("c.parquet");
  const differ = await larder("diff", "a.parquet", "c.manifest.json");
  expect(differ.code).toBe(1);
  expect(differ.said).toContain(
    "different\ninput of plans: data/plans/a.parquet changed\nrows: 20 in A, 20 in B; 0 only in A",
  );
  expect(differ.said).toMatch(/^plan +7 +1 +65 +65$/m);
  expect(differ.said).toMatch(/^price +0 /m);
  await project.parquet("data/plans/a.parquet", PLANS);
});

test("a set differs from itself in nothing; `diff` needs no definitions", async () => {
  await train("d.parquet");
  expect(await larder("diff", "d.parquet", "d.parquet")).toMatchObject({
    code: 0,
    said: expect.stringContaining("equal, byte for byte\n"),
  });
  const { said } = await larder("diff", "d.parquet", "d.manifest.json", "--json");
  expect(JSON.parse(said)).toMatchObject({ equal: true, bytes_equal: true, settings: [], inputs: [], features: [] });
});

test("definitions that mean something else end with 1; the words of a view change nothing", async () => {
  await train("e.parquet");
  await project.write("longer.yaml", IN_MEMORY.replace("online_ttl: 3650d", "ttl: 1d"));
  const meant = await larder("--reproduce", "e.manifest.json", "-f", "longer.yaml");
  expect(meant.code).toBe(1);
  expect(meant.said).toContain("feature plans:price changed: ttl was not set and is 86400000000\n");
  await project.write(
    "other.yaml",
    IN_MEMORY.replace("tenants: { default: {}, acme: {} }", "tenants: { default: {} }"),
  );
  const other = await larder("--reproduce", "e.manifest.json", "-f", "other.yaml");
  expect([other.code, other.said]).toEqual([0, expect.stringContaining("The definitions have changed since")]);
});

test("a split is a column or folders, is said and recorded, and is built again", async () => {
  const { said } = await train("f", "--split", "time:0.5/0.25", "--partition-by", "split, gone", "--lint");
  expect(said).toContain(
    "split time:0.5/0.25: 10 train, 5 validation, 5 test, cut at 2024-03-12T10:00:00.000000Z and 2024-03-12T15:00:00.000000Z\n",
  );
  expect(readdirSync(project.path("f")).sort()).toEqual(["split=test", "split=train", "split=validation"]);
  expect((await larder("--reproduce", "f.manifest.json")).code).toBe(0);
  const manifest = JSON.parse(await readFile(project.path("f.manifest.json"), "utf8"));
  expect(manifest.features[0].staleness).toMatchObject({ absent: 13 / 20, out_of_ttl: 0 });
  await using store = await FeatureStore.open(project.path("feature_store.yaml"));
  const request = { entities: project.path("labels.parquet"), featureService: "plans_v1" };
  const report = await store.getHistoricalFeatures({
    ...request,
    out: project.path("g.parquet"),
    split: "entity:0.5:s",
  });
  expect(report.manifest.split).toMatchObject({ how: "entity:0.5:s", cuts: null });
});

test.each([
  [
    ["--reproduce", "h.manifest.json", "--service", "plans_v1"],
    2,
    "INVALID_REQUEST: --service is given with --reproduce",
  ],
  [
    ["--reproduce", "h.manifest.json", "--tenant", "acme"],
    2,
    'INVALID_REQUEST: h.manifest.json is of tenant "default"',
  ],
  [["--reproduce", "none.manifest.json"], 1, "SOURCE_UNREADABLE: none.manifest.json cannot be read"],
  [["--reproduce", "labels.parquet"], 2, "INVALID_REQUEST:"],
  [["--entities", "labels.parquet", "--service", "plans_v1"], 2, "INVALID_REQUEST: No output is named"],
  [
    ["--entities", "labels.parquet", "--service", "plans_v1", "--out", "i.parquet", "--split", "half"],
    2,
    'The split "half" cannot be made',
  ],
  [["diff", "h.parquet", "none.parquet"], 1, "SOURCE_UNREADABLE: none.manifest.json cannot be read"],
])("%j is refused", async (args, exit, message) => {
  if (!existsSync(project.path("h.parquet"))) await train("h.parquet");
  const { code, talked } = await larder(...args);
  expect([code, talked]).toEqual([exit, expect.stringContaining(message)]);
});
