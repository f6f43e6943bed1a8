import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LINT_CODES } from "@larder/training-features";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { FeatureStore } from "../../src/index.ts";
import { IN_MEMORY } from "../definitions.ts";
import { createProject, type Project } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

/** 120 customers with a price that is the label under another name, and a label each. */
const PLANTED = `SELECT i::BIGINT AS customer_id, TIMESTAMP '2024-03-01' AS event_timestamp, TIMESTAMP '2024-03-01' AS created,
  CASE WHEN i % 2 = 0 THEN 5 ELSE 9 END::BIGINT AS price, 'plan ' || i AS plan, NULL::BIGINT[] AS invoices FROM range(120) AS t(i)`;
const LABELS = `SELECT i::BIGINT AS customer_id, TIMESTAMP '2024-03-10 12:00:00' + to_seconds(i) AS event_timestamp, i % 2 = 0 AS gone,
  CASE WHEN i < 90 THEN 'train' ELSE 'test' END AS part FROM range(120) AS t(i)`;

let project: Project;
beforeAll(async () => {
  project = await createProject(IN_MEMORY);
  await project.parquet("data/plans/a.parquet", PLANTED);
  await project.parquet("labels.parquet", LABELS);
});
afterAll(() => project[Symbol.asyncDispose]());

async function train(out: string, ...options: readonly string[]) {
  const terminal = plainTerminal(undefined, project.folder);
  const base = ["training-set", "--entities", "labels.parquet", "--service", "plans_v1", "--out", out];
  const code = await runCli([...base, ...options], terminal);
  return { code, said: terminal.said, talked: terminal.talked };
}

test("findings are shown as a table and in words, and kept in the manifest without anybody's keys", async () => {
  const { code, said } = await train("a.parquet", "--lint", "--label", "gone", "--split-column", "part");
  expect(code).toBe(0);
  expect(said).toMatch(/^error +FEATURE_IS_LABEL +plans:price +120 +0$/m);
  expect(said).toContain(
    '\nFEATURE_IS_LABEL: Feature "price" has one value for each value of "gone", in all 120 rows that have both.\n  Each value of the feature',
  );
  expect(said).toContain(
    "\n  row 0: customer_id 0, time 2024-03-10T12:00:00.000000Z, gone true, price 5\n  remedy: Leave",
  );
  const { lint } = JSON.parse(await readFile(project.path("a.manifest.json"), "utf8"));
  expect(lint).toEqual({
    label: "gone",
    split_column: "part",
    findings: [
      {
        code: "FEATURE_IS_LABEL",
        severity: "error",
        view: "plans",
        feature: "price",
        what: 'Feature "price" has one value for each value of "gone", in all 120 rows that have both',
        rows: 120,
        example_row: 0,
      },
    ],
  });
  const json = JSON.parse((await train("a.parquet", "--lint", "--label", "gone", "--json")).said);
  expect(json.findings).toMatchObject([{ code: "FEATURE_IS_LABEL", example: { row: 0, values: { price: "5" } } }]);
});

test("the manifest is the same at each run, and says null where the linter was not asked", async () => {
  const bytes = async () => readFile(project.path("b.manifest.json"), "utf8");
  await train("b.parquet", "--lint", "--label", "gone");
  const first = await bytes();
  await train("b.parquet", "--lint", "--label", "gone");
  expect(await bytes()).toBe(first);
  expect(JSON.parse((await train("b.parquet", "--json")).said).findings).toBeNull();
  expect(JSON.parse(await bytes()).lint).toBeNull();
});

test("--fail-on ends with 1, names each finding, and writes nothing", async () => {
  const { code, said, talked } = await train("c.parquet", "--lint", "--label", "gone", "--fail-on", "error");
  expect([code, said]).toEqual([1, ""]);
  expect(talked).toContain("error LEAK_FOUND: The linter found 1 thing of severity error in the training set");
  expect(talked).toContain('  FEATURE_IS_LABEL, entity row 0: price: Feature "price" has one value');
  expect(existsSync(project.path("c.parquet"))).toBe(false);
  const json = JSON.parse(
    (await train("c.parquet", "--lint", "--label", "gone", "--fail-on", "warning", "--json")).said,
  );
  expect(json.error).toMatchObject({ code: "LEAK_FOUND", facts: { codes: ["FEATURE_IS_LABEL"] }, problems: [{}] });
  expect((await train("c.parquet", "--lint", "--fail-on", "error")).code).toBe(0);
});

test.each([
  [["--label", "gone"], "--label is given without --lint"],
  [["--lint", "--fail-on", "info"], '"info" is no severity to fail on'],
  [["--lint", "--label", "left"], 'label "left" is no column of the entity rows'],
  [["--lint", "--label", "customer_id"], 'label "customer_id" is a join key or the time of the entity rows'],
  [["--lint", "--split-column", "gone"], 'The split column "gone" tells no train rows'],
])("%j is refused: %s", async (options, what) => {
  const { code, talked } = await train("d.parquet", ...options);
  expect([code, talked]).toEqual([2, expect.stringContaining(`error INVALID_REQUEST: ${what}`)]);
  expect(existsSync(project.path("d.parquet"))).toBe(false);
});

test("in code, findings come with the report", async () => {
  await using store = await FeatureStore.open(project.path("feature_store.yaml"));
  const request = {
    entities: project.path("labels.parquet"),
    featureService: "plans_v1",
    out: project.path("e.parquet"),
  };
  const { findings } = await store.getHistoricalFeatures({ ...request, lint: { label: "gone" } });
  expect(findings?.map(({ code, feature }) => [code, feature])).toEqual([["FEATURE_IS_LABEL", "price"]]);
  expect((await store.getHistoricalFeatures(request)).findings).toBeUndefined();
});

test("docs/training-sets.md describes every finding, in the order of the list", async () => {
  const page = await readFile(join(import.meta.dirname, "../../../../docs/training-sets.md"), "utf8");
  expect([...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code)).toEqual([...LINT_CODES]);
});
