import { setTimeout as wait } from "node:timers/promises";
import type { MaterializeJob } from "@larder/contract";

/** Longest that all views of a tenant may take. */
const FILL_MS = 300_000;
const PAUSE_MS = 100;

/** Has a server load every view of these tenants from its Parquet files, one tenant after the other. Answers how many rows it wrote. */
export async function materializeAll(url: string, tenants: readonly string[], signal: AbortSignal): Promise<number> {
  let rows = 0;
  for (const tenant of tenants) rows += await materialize(url, tenant, signal);
  return rows;
}

async function materialize(url: string, tenant: string, signal: AbortSignal): Promise<number> {
  const headers = { "content-type": "application/json", "x-larder-tenant": tenant };
  const now = new Date();
  const window = { start_ts: new Date(now.getTime() - 30 * 86_400_000).toISOString(), end_ts: now.toISOString() };
  const accepted = await fetch(`${url}/materialize?async=true`, {
    method: "POST",
    headers,
    body: JSON.stringify(window),
    signal,
  });
  if (accepted.status !== 202) throw new Error(`/materialize answered ${accepted.status}: ${await accepted.text()}`);
  const { job_id } = (await accepted.json()) as { job_id: string };
  for (const end = performance.now() + FILL_MS; performance.now() < end; ) {
    const job = (await (
      await fetch(`${url}/materialize/jobs/${job_id}`, { headers, signal })
    ).json()) as MaterializeJob;
    if (job.status === "succeeded") return (job.views ?? []).reduce((sum, { rows }) => sum + rows, 0);
    if (job.status !== "running") throw new Error(`Tenant ${tenant} was not materialized: ${JSON.stringify(job)}`);
    await wait(PAUSE_MS, undefined, { signal });
  }
  throw new Error(`Tenant ${tenant} was not materialized within ${FILL_MS / 1000} s`);
}
