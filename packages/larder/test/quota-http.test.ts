import { isLarderError, loadDefinitions, systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { until } from "@larder/testkit";
import { expect, test } from "vitest";
import { runCli } from "../src/cli/program.ts";
import { FeatureStore } from "../src/index.ts";
import { serve } from "../src/serve.ts";
import { plainTerminal } from "./cli/plain-terminal.ts";
import { YAML } from "./definitions.ts";
import { createProject, type Project } from "./project.ts";

const WAIT_MS = 60_000;
const ROWS = 30;
const NEXT = { customer_id: ROWS + 1, price: 1, plan: "next", invoices: [], event_timestamp: "2024-01-01" };

/** The plans of every stored row of a tenant. */
async function stored(project: Project, tenant: string): Promise<readonly unknown[]> {
  const definitions = await loadDefinitions(project.path("feature_store.yaml"), { env: {} });
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  const found: unknown[] = [];
  for await (const { row } of store.scan({ tenant }, { tenant })) found.push(row?.values?.[1]);
  return found;
}

test("a tenant over max_bytes: its push is answered 507 with the reason, `larder push` exits 1, and nothing of it is written", async () => {
  await using project = await createProject(YAML.replace("acme: {}", "acme: { max_bytes: 1kB }"));
  const file = project.path("feature_store.yaml");
  const rows = Array.from({ length: ROWS }, (_, customer_id) => ({ ...NEXT, customer_id, plan: "x".repeat(100) }));
  {
    await using store = await FeatureStore.open(file, { tenant: "acme", env: {} });
    expect((await store.push("plans", rows)).outcomes).toEqual(rows.map(() => "applied"));
  }
  // A quota holds from the first figure on, which a process takes in the background, in its own time.
  {
    await using store = await FeatureStore.open(file, { tenant: "acme", env: {} });
    await until(WAIT_MS, "a figure", async () => {
      const again = await store.push("plans", rows.slice(0, 1)).catch((thrown: unknown) => thrown);
      return isLarderError(again, "QUOTA_EXCEEDED");
    });
  }

  const ending = new AbortController();
  const listening = Promise.withResolvers<string>();
  const request = { file, tenant: "default", env: {}, port: 0, signal: ending.signal, onListening: listening.resolve };
  const served = serve(request);
  try {
    const url = await Promise.race([listening.promise, served.then(() => Promise.reject(new Error("It ended.")))]);
    // The first row is one that is stored already: even what would not take room is refused, and with it the whole batch.
    const df = Object.fromEntries(Object.entries(NEXT).map(([name, value]) => [name, [value, value]]));
    const push = (tenant: string) =>
      fetch(`${url}/push`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-larder-tenant": tenant },
        body: JSON.stringify({ push_source_name: "plans", df: { ...df, customer_id: [0, ROWS + 1] } }),
      });
    const refused = await push("acme");
    expect([refused.status, JSON.parse((await refused.json()) as string)]).toMatchObject([
      507,
      {
        code: "QUOTA_EXCEEDED",
        message: expect.stringMatching(
          /^Tenant "acme" takes \d+ B online, its limit is 1000 B; nothing was written\. /,
        ),
      },
    ]);
    expect((await push("default")).status).toBe(200);
  } finally {
    ending.abort();
    await served;
  }

  const terminal = plainTerminal(undefined, project.folder);
  await project.write("rows.ndjson", `${JSON.stringify(NEXT)}\n`);
  const code = await runCli(["push", "plans", "--from", "rows.ndjson", "--tenant", "acme"], terminal);
  expect([code, terminal.said]).toEqual([1, ""]);
  expect(terminal.talked).toMatch(/^error QUOTA_EXCEEDED: Tenant "acme" takes/m);

  expect(await stored(project, "acme")).toEqual(Array.from({ length: ROWS }, () => "x".repeat(100)));
  expect(await stored(project, "default")).toEqual(["next", "next"]);
});
