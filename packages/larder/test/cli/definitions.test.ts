import { startProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { IN_MEMORY, YAML } from "../definitions.ts";
import { createProject, LARDER, type Project } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

async function run(project: Project, ...args: readonly string[]) {
  const terminal = plainTerminal(undefined, project.folder);
  const code = await runCli(args, terminal);
  return { code, said: terminal.said, talked: terminal.talked };
}

const ADDED = YAML.replace(
  "{ name: plan, type: string }",
  "{ name: plan, type: string }\n      - { name: city, type: string }",
);
const BROKEN = YAML.replace("name: customer_id, type: int64", "name: customer_id, type: string");

const NEVER = "nothing was ever applied: `larder apply` records these definitions\n";

test("plan and apply: nothing at first, then changes by kind; a breaking one waits for --yes", async () => {
  await using project = await createProject();
  expect(await run(project, "plan")).toEqual({ code: 0, said: NEVER, talked: "" });
  expect(JSON.parse((await run(project, "plan", "--json")).said)).toMatchObject({ state: "never", applied: null });
  expect(await run(project, "apply")).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^applied [0-9a-f]{12}\n$/),
  });
  expect((await run(project, "plan")).said).toMatch(/^no changes since what was applied 2.*Z\n$/);

  await project.write("feature_store.yaml", ADDED);
  const plan = JSON.parse((await run(project, "plan", "--json")).said);
  expect(plan).toMatchObject({
    state: "different",
    counts: { breaking: 0, rematerialize: 0, safe: 1 },
    changes: [{ kind: "safe", path: "feature_views.plans.city", what: "added" }],
  });
  expect((await run(project, "apply")).code).toBe(0);
  await project.write("feature_store.yaml", YAML);
  expect((await run(project, "plan")).said).toMatch(
    /^these definitions were applied before, and others since\nchanges to .*\nkind /,
  );

  await project.write("feature_store.yaml", BROKEN);
  const refused = await run(project, "apply");
  expect(refused).toMatchObject({ code: 2, said: "" });
  expect(refused.talked).toMatch(
    /^error CONFIRMATION_REQUIRED: 1 of the changes breaks .*\n {2}feature_views.plans: join keys changed from/,
  );
  expect(JSON.parse((await run(project, "plan", "--json")).said)).toMatchObject({ counts: { breaking: 1 } });
  expect((await run(project, "apply", "--yes")).code).toBe(0);
  expect((await run(project, "plan")).said).toMatch(/^no changes/);
});

test("what writes rows warns of other definitions than the applied ones, and goes on", async () => {
  await using project = await createProject();
  const row = { customer_id: "1", price: 5, plan: "a", invoices: [], event_timestamp: "2024-01-01" };
  await project.write("rows.ndjson", JSON.stringify(row));
  const push = ["push", "plans", "--from", "rows.ndjson"];
  expect(await run(project, ...push)).toMatchObject({ code: 0, talked: "" });
  await run(project, "apply");
  expect(await run(project, ...push)).toMatchObject({ code: 0, talked: "" });
  await project.write("feature_store.yaml", BROKEN);
  expect(await run(project, ...push)).toMatchObject({
    code: 0,
    talked:
      "warning: These definitions were never applied, and differ from the applied ones in 2 places, 1 of them breaking; see `larder plan`\n",
  });
});

test("serve warns of a difference", async () => {
  await using project = await createProject();
  await run(project, "apply");
  await project.write("feature_store.yaml", ADDED);
  await using child = await startProcess(process.execPath, [...LARDER, "serve", "--port", "0"], {
    cwd: project.folder,
    env: { INIT_CWD: undefined, NO_COLOR: undefined },
  });
  const line = await child.waitForLine(/differ from the applied ones in 1 place, none of them breaking/);
  expect(JSON.parse(line)).toMatchObject({ level: 40, definitions: expect.stringMatching(/^[0-9a-f]{64}$/) });
  await child.waitForLine(/^Larder serves/);
  child.signal("SIGTERM");
  expect(await child.waitForExit()).toEqual({ code: 0, signal: null });
});

test("serve refuses definitions that would break the applied ones, be they newer or older", async () => {
  await using project = await createProject();
  await project.write("broken.yaml", BROKEN);
  await run(project, "apply");
  const newer = await run(project, "serve", "--port", "0", "-f", "broken.yaml");
  expect(newer).toMatchObject({ code: 2, said: "" });
  expect(newer.talked).toMatch(
    /^error DEFINITIONS_INCOMPATIBLE: These definitions were never applied, and differ .* by 1 breaking change\./,
  );
  expect(newer.talked).toContain("feature_views.plans: join keys changed from customer_id int64 to customer_id string");
  await run(project, "apply", "--yes", "-f", "broken.yaml");
  const older = await run(project, "serve", "--port", "0");
  expect(older).toMatchObject({
    code: 2,
    talked: expect.stringContaining("definitions are older than the applied ones"),
  });
});

test("a memory store has nothing to apply to", async () => {
  await using project = await createProject(IN_MEMORY);
  expect(await run(project, "apply")).toMatchObject({
    code: 2,
    talked: expect.stringContaining("error UNSUPPORTED: "),
  });
});
