import { findView, formatTime, loadDefinitions, systemClock } from "@larder/schema";
import { eraseEntity, openOnlineStore } from "@larder/store-core";
import { runProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { FeatureStore } from "../../src/index.ts";
import { pushRows } from "../../src/push-rows.ts";
import { materializeCommand, resetCommand, whyCommand } from "../../src/why/commands.ts";
import { IN_MEMORY, PLANS, YAML } from "../definitions.ts";
import { createProject, type Project } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

async function run(project: Project, ...args: readonly string[]) {
  const terminal = plainTerminal(undefined, project.folder);
  const code = await runCli(["why", ...args], terminal);
  return { code, said: terminal.said, talked: terminal.talked };
}

test("why --json is one object with verdict and evidence; for a view, a list of verdicts", async () => {
  await using project = await createProject();
  await project.parquet("data/plans/a.parquet", PLANS);
  await using store = await FeatureStore.open(project.path("feature_store.yaml"));
  await store.materialize({ start: "2024-03-01", end: "2024-04-01" });
  const one = JSON.parse((await run(project, "plans:price", "customer_id=1", "--json")).said);
  expect(one).toMatchObject({
    project: "shop",
    tenant: "default",
    view: "plans",
    feature: "price",
    entity: { customer_id: "1" },
    status: "PRESENT",
    verdict: "present",
    remedy: "",
    commands: [],
    also: [],
    evidence: {
      stored: {
        kind: "row",
        event_timestamp: "2024-03-10T00:00:00.000001Z",
        created: "2024-03-11T00:00:00.000000Z",
        deletion: false,
        values: { price: 11 },
      },
      life: { ttl_seconds: 3650 * 86_400, ttl_key: "online_ttl of plans", keep_stale_seconds: 3600 },
      position: { kind: "position", start: "2024-03-01T00:00:00.000000Z", end: "2024-04-01T00:00:00.000000Z" },
      source: { kind: "rows", rows: [{ values: { price: 11 } }, { values: { price: 10 } }], more: false },
      other_tenants: [],
    },
  });
  const { ttl_left_seconds, age_seconds } = one.evidence.stored;
  expect(ttl_left_seconds + age_seconds).toBeCloseTo(3650 * 86_400, 3);
  const all = JSON.parse((await run(project, "plans", "customer_id=2", "--json")).said);
  expect(all.features).toMatchObject([
    { feature: "price", verdict: "null", status: "NULL_VALUE" },
    { feature: "plan", verdict: "null" },
    { feature: "invoices", verdict: "null" },
  ]);
  expect(all.verdict).toBeUndefined();
});

/** The project's store, of which nobody else has heard yet: an erasure has nobody to wait for. */
async function openProject(project: Project) {
  const definitions = await loadDefinitions(project.path("feature_store.yaml"), { env: {} });
  const settings = { leaseMs: 0, writeMs: 0 };
  const store = await openOnlineStore(definitions, { clock: systemClock });
  return { definitions, store, clock: systemClock, settings, [Symbol.asyncDispose]: () => store.close() };
}

const MISUSES: readonly (readonly [string, readonly string[], string])[] = [
  ["an unknown view", ["nope:price", "customer_id=1"], "UNKNOWN_VIEW"],
  ["an unknown view alone", ["nope"], "UNKNOWN_VIEW"],
  ["an unknown feature", ["plans:nope", "customer_id=1"], "UNKNOWN_FEATURE"],
  ["no feature after the colon", ["plans:", "customer_id=1"], "INVALID_REQUEST"],
  ["an unknown tenant", ["plans:price", "customer_id=1", "--tenant", "nobody"], "UNKNOWN_TENANT"],
  ["no join key", ["plans:price"], "INVALID_REQUEST"],
  ["one of two join keys", ["sales:turnover", "country=de"], "INVALID_REQUEST"],
  ["another join key", ["plans:price", "customer_id=1", "country=de"], "USAGE"],
  ["a join key twice", ["plans:price", "customer_id=1", "customer_id=2"], "USAGE"],
  ["a join key without value", ["plans:price", "customer_id"], "USAGE"],
  ["a value of another type", ["plans:price", "customer_id=one"], "INVALID_REQUEST"],
  ["nothing", [], "USAGE"],
];

test("why with names or keys that are wrong is refused with a code, and exits 2", async () => {
  await using project = await createProject(IN_MEMORY);
  for (const [what, args, expected] of MISUSES) {
    const { code, said } = await run(project, ...args, "--json");
    expect([what, code, JSON.parse(said).error.code]).toEqual([what, 2, expected]);
  }
});

test("a source that does not fit the view is named, and the verdict given without it", async () => {
  await using project = await createProject();
  await project.parquet("data/plans/a.parquet", PLANS.replace("price, plan, invoices)", "cost, plan, invoices)"));
  const { code, said } = await run(project, "plans:price", "customer_id=1");
  expect(code).toBe(0);
  expect(said).toMatch(/^plans:price of customer_id=1, tenant default: never_written$/m);
  expect(said).toMatch(/^source +not looked at \(SOURCE_MISMATCH: .*"price" is missing.*\)$/m);
});

test("commands name the definitions, the tenant and the entity for a shell, whatever they are called", async () => {
  const of = { view: "plans", tenant: "it's $HOME", entity: { name: "a b;'c'" }, file: "my file.yaml" };
  const commands = [
    whyCommand("plans:price", of),
    resetCommand(of),
    materializeCommand(
      { position: { kind: "never" }, now: 2 } as Parameters<typeof materializeCommand>[0],
      { entityKey: [], eventTime: 1, createdTime: undefined, values: undefined },
      of,
    ),
  ];
  const shell = `larder() { for word in "$@"; do printf '%s\\n' "$word"; done; echo --; }\n${commands.join("\n")}`;
  const { stdout } = await runProcess("sh", ["-c", shell], {});
  expect(stdout.split("--\n").map((words) => words.split("\n").slice(0, -1))).toEqual([
    ["why", "plans:price", "name=a b;'c'", "--tenant", "it's $HOME", "-f", "my file.yaml"],
    ["reset", "--view", "plans", "--entity", "name=a b;'c'", "--tenant", "it's $HOME", "-f", "my file.yaml", "--yes"],
    [
      "materialize-incremental",
      "1970-01-01T00:00:00.000002Z",
      "--view",
      "plans",
      "--tenant",
      "it's $HOME",
      "-f",
      "my file.yaml",
    ],
    [],
  ]);
});

test("an erasure is shown with its time, and so is how many of very many tenants were not looked at", async () => {
  const tenants = ["acme: {}", ...Array.from({ length: 110 }, (_, i) => `t${i}: {}`)].join(", ");
  await using project = await createProject(YAML.replace(/^tenants: .*$/m, `tenants: { default: {}, ${tenants} }`));
  await using opened = await openProject(project);
  const { definitions, store } = opened;
  const row = { customer_id: 1, price: 1, plan: "a", invoices: [], event_timestamp: "2024-03-01" };
  await pushRows(store, findView(definitions, "plans"), [row], { tenant: "acme" });
  const erased = await eraseEntity(opened, { tenant: "default", entity: { customer_id: 1 }, confirmed: true });
  const time = formatTime(erased.erasedAt);

  const { said } = await run(project, "plans:price", "customer_id=1");
  expect(said).toMatch(/^plans:price of customer_id=1, tenant default: erased$/m);
  expect(said).toMatch(/^Also another_tenant: .*tenant acme has one; 11 more tenants were not looked at\.$/m);
  expect(said).toMatch(new RegExp(`^erased +up to ${time}$`, "m"));
  expect(said).toMatch(/^other tenants +11 not looked at$/m);
  const json = JSON.parse((await run(project, "plans:price", "customer_id=1", "--json")).said);
  expect(json.evidence).toMatchObject({
    erasure: { kind: "erased", at: time },
    quota: { kind: "none" },
    other_tenants: [{ tenant: "acme" }],
    tenants_not_looked_at: 11,
  });
  expect((await run(project, "plans:price", "customer_id=2")).said).toContain(
    "whether another tenant has one was not looked at for 11 tenants",
  );
});

test("an int64 beyond 2^53 is found and shown exactly", async () => {
  await using project = await createProject(YAML.replace(/^ *source: .*\n/m, ""));
  await using store = await FeatureStore.open(project.path("feature_store.yaml"), { int64: "bigint" });
  const customer_id = 9_007_199_254_740_993n;
  const row = { customer_id, price: customer_id, plan: "a", invoices: [], event_timestamp: "2024-03-01" };
  await store.push("plans", [row]);
  const { said } = await run(project, "plans:price", `customer_id=${customer_id}`, "--json");
  expect(said).toContain('"values":{"price":9007199254740993}');
  expect(JSON.parse(said)).toMatchObject({ verdict: "present" });
});
