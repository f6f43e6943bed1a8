import { startProcess } from "@larder/testkit";
import { expect } from "vitest";
import { LATE, PLANS } from "./definitions.ts";
import { LARDER, type Project } from "./project.ts";

/** Customers of the large view: enough that a run takes a while. */
const MANY = 8_000;

/** Rows of the same columns as {@link PLANS}. */
export const MANY_ROWS = `SELECT i::BIGINT AS customer_id, TIMESTAMP '2024-03-01' + INTERVAL 1 SECOND * i AS event_timestamp,
  TIMESTAMP '2024-03-03' AS created, i::BIGINT AS price, 'many' AS plan, [1]::BIGINT[] AS invoices FROM range(10, ${MANY}) t(i)`;

/**
 * Over HTTP, on a real process: a large materialize as a job, during which reads are answered and a second run is refused; then late rows through
 * an incremental one.
 */
export async function materializeOverHttp(project: Project): Promise<void> {
  await project.parquet("data/plans/a.parquet", PLANS);
  await project.parquet("data/plans/b.parquet", MANY_ROWS);
  await using child = await startProcess(process.execPath, [...LARDER, "serve", "--port", "0", "--json"], {
    cwd: project.folder,
    env: { INIT_CWD: undefined, NO_COLOR: undefined },
  });
  const { url } = JSON.parse(await child.waitForLine(/^\{"url"/)) as { url: string };
  const post = (path: string, body: object) =>
    fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const price = async (customer: number): Promise<unknown> => {
    const response = await post("/get-online-features", {
      features: ["plans:price"],
      entities: { customer_id: [customer] },
    });
    expect(response.status).toBe(200);
    return ((await response.json()) as { results: { values: unknown[] }[] }).results[1]?.values[0];
  };

  const window = { start_ts: "2024-03-01", end_ts: "2024-03-15", feature_views: ["plans"] };
  const accepted = await post("/materialize?async=true", window);
  expect(accepted.status).toBe(202);
  const job = `${url}${accepted.headers.get("location")}`;
  const refused = await post("/materialize", window);
  expect([refused.status, JSON.parse((await refused.json()) as string)]).toMatchObject([
    409,
    { code: "STORE_CONFLICT", message: expect.stringContaining('"plans"') },
  ]);

  // A server that is blocked would answer none of these while it runs, or 503 past the store's deadline.
  let reads = 0;
  let state: { status: string; views?: object[] } = { status: "running" };
  while (state.status === "running") {
    await price(1);
    reads++;
    state = (await (await fetch(job)).json()) as typeof state;
  }
  expect(state).toMatchObject({ status: "succeeded", views: [{ rows: MANY - 8, applied: MANY - 8 }] });
  expect(reads, "reads while it ran").toBeGreaterThan(5);
  expect([await price(1), await price(MANY - 1)]).toEqual([11, MANY - 1]);

  // Customer 2's row is from before the last end, and comes after it.
  await project.parquet("data/plans/c.parquet", LATE);
  const incremental = await post("/materialize-incremental", { end_ts: "2024-03-20T00:00:00Z" });
  expect([incremental.status, await incremental.text()]).toEqual([200, "null"]);
  expect([await price(1), await price(2)]).toEqual([11, 22]);
  child.signal("SIGTERM");
  expect(await child.waitForExit()).toEqual({ code: 0, signal: null });
}
