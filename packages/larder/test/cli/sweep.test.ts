import { LarderError } from "@larder/schema";
import { until } from "@larder/testkit";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { FeatureStore } from "../../src/index.ts";
import { YAML } from "../definitions.ts";
import { createProject, type Project } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

async function run(project: Project, ...args: readonly string[]) {
  const terminal = plainTerminal(undefined, project.folder);
  const exitCode = await runCli(args, terminal);
  return { exitCode, said: terminal.said, talked: terminal.talked };
}

const rowsOf = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    customer_id: i,
    event_timestamp: "2024-01-01",
    price: 1,
    plan: "a plan of some length",
    invoices: [1, 2, 3],
  }));

async function push(project: Project, count: number, tenant = "default"): Promise<void> {
  await using store = await FeatureStore.open(project.path("feature_store.yaml"), { tenant });
  await store.push("plans", rowsOf(count));
}

/** Pushes until it is refused: what a tenant takes is measured in the background. */
async function refusedPush(project: Project, tenant: string): Promise<LarderError> {
  await using store = await FeatureStore.open(project.path("feature_store.yaml"), { tenant });
  let refusal: LarderError | undefined;
  await until(60_000, "a refusal", async () => {
    const outcome = await store.push("plans", rowsOf(1)).catch((thrown: unknown) => thrown);
    if (outcome instanceof LarderError) refusal = outcome;
    return refusal !== undefined;
  });
  return refusal as LarderError;
}

test("sweep removes what a shorter TTL made dead, once that TTL is applied", async () => {
  await using project = await createProject(YAML);
  expect((await run(project, "apply")).exitCode).toBe(0);
  await push(project, 3);
  expect(JSON.parse((await run(project, "sweep", "--json")).said)).toMatchObject({
    scanned: 3,
    removed: 0,
    complete: true,
  });

  await project.write("feature_store.yaml", YAML.replace("online_ttl: 3650d", "online_ttl: 1d"));
  const refused = await run(project, "sweep");
  expect(refused.exitCode).toBe(2);
  expect(refused.talked).toContain("DEFINITIONS_INCOMPATIBLE");
  expect((await run(project, "apply", "--yes")).exitCode).toBe(0);
  const swept = await run(project, "sweep", "--tenant", "default", "--view", "plans", "--share", "100");
  expect(swept.said).toMatch(/^removed 3 of 3 rows, \d+ bytes\n$/);
});

test.each([
  [["--share", "0"], "USAGE"],
  [["--share", "150"], "USAGE"],
  [["--share", "much"], "USAGE"],
  [["--for", "soon"], "USAGE"],
  [["--tenant", "nobody"], "UNKNOWN_TENANT"],
  [["--view", "plan"], "UNKNOWN_VIEW"],
])("sweep %j is refused with %s", async (args, code) => {
  await using project = await createProject(YAML);
  expect(await run(project, "sweep", ...args)).toMatchObject({ exitCode: 2, talked: expect.stringContaining(code) });
});

test("status shows what tenants take of their quotas, and a push over one is refused", async () => {
  const yaml = YAML.replace("acme: {}", "acme: { max_bytes: 1kB }");
  await using project = await createProject(yaml);
  expect(JSON.parse((await run(project, "status", "--json")).said)).toMatchObject({ usage: [] });
  await push(project, 30, "acme");
  const refusal = await refusedPush(project, "acme");
  expect(refusal).toMatchObject({ code: "QUOTA_EXCEEDED", facts: { tenant: "acme", max_bytes: 1_000 } });
  const { usage } = JSON.parse((await run(project, "status", "--tenant", "acme", "--json")).said);
  expect(usage).toMatchObject([{ tenant: "acme", max_bytes: 1_000, refused: true }]);
  expect(usage[0].share).toBeGreaterThan(2);
  expect((await run(project, "status")).said).toContain("over quota: writes are refused");
});
