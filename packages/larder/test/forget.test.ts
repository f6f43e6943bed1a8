import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { runCli } from "../src/cli/program.ts";
import { plainTerminal } from "./cli/plain-terminal.ts";
import { IN_MEMORY, PLANS } from "./definitions.ts";
import { forgetsForGood } from "./forget.ts";
import { createProject, type Project } from "./project.ts";

// Beside each other: one waits for seconds until every process must have heard of it.
test.concurrent.each([
  ["memory", "{ type: memory }"],
  ["sqlite", "{ type: sqlite, path: online.db, deadline: 5s, write_deadline: 5s }"],
])("on %s a forgotten customer does not come back, and a receipt says what is left", async (_, onlineStore) => {
  await using project = await createProject();
  await forgetsForGood(project, onlineStore);
});

async function run(project: Project, ...args: readonly string[]) {
  const terminal = plainTerminal(undefined, project.folder);
  const code = await runCli(args, terminal);
  return { code, said: terminal.said, talked: terminal.talked };
}

test.concurrent("larder forget asks first, erases with --yes, and prints a receipt without the key", async () => {
  await using project = await createProject();
  await project.parquet("data/plans/a.parquet", PLANS);
  await run(project, "materialize", "2024-01-01", "2024-06-01");
  const asked = await run(project, "forget", "customer_id=2");
  expect([asked.code, asked.said]).toEqual([2, ""]);
  expect(asked.talked).toContain("error CONFIRMATION_REQUIRED: ");
  expect(asked.talked).toContain("remove 1 row: 1 of plans; nothing was changed");

  const [one, two] = await Promise.all([
    run(project, "forget", "customer_id=1", "--yes", "--json", "--receipt", "receipt.json", "--show-key"),
    run(project, "forget", "customer_id=2", "--yes"),
  ]);
  expect([one.code, two.code]).toEqual([0, 0]);
  // Where it takes more than a few seconds, a line says what it waits for.
  expect(
    `${one.talked}${two.talked}`.replace(/^forget until every process knows: \d+ %(?:, \d+ s left)?\n/gm, ""),
  ).toBe("");
  const receipt = JSON.parse(one.said);
  expect(receipt).toMatchObject({ entity: { customer_id: "1" }, rows: 1, views: [{ view: "plans", rows: 1 }] });
  expect(JSON.parse(await readFile(project.path("receipt.json"), "utf8"))).toEqual(receipt);
  expect(two.said).toMatch(/^erased one entity \(customer_id\) of tenant default: 1 row removed$/m);
  expect(two.said).toMatch(/^ {2}source of plans: plans$/m);
  const got = await run(project, "materialize", "2024-01-01", "2024-06-01", "--json");
  expect(JSON.parse(got.said).totals).toMatchObject({ stale: 2, applied: 0 });
});

test.each([
  ["an unknown join key", ["customer=1", "--yes"], "INVALID_REQUEST", "country and number"],
  ["half of a composite key", ["country=DE", "--yes"], "INVALID_REQUEST", "country and number"],
  ["a value of another type", ["customer_id=abc", "--yes"], "INVALID_REQUEST", "customer_id"],
  ["an unknown tenant", ["customer_id=1", "--tenant", "nobody", "--yes"], "UNKNOWN_TENANT", "nobody"],
  ["no pair", ["customer_id", "--yes"], "USAGE", "key=value"],
  ["a key given twice", ["customer_id=1", "customer_id=2", "--yes"], "USAGE", "twice"],
  ["no entity at all", ["--yes"], "USAGE", "key=value"],
])("forget refuses %s with %s", async (_, args, code, text) => {
  await using project = await createProject(IN_MEMORY);
  const refused = await run(project, "forget", ...args);
  expect(refused.code).toBe(2);
  expect(refused.talked).toContain(`error ${code}: `);
  expect(refused.talked).toContain(text);
});
