import { isLarderError, LarderError, type S3Config, type S3Credentials } from "@larder/schema";
import type { EngineCall, OfflineEngine } from "../offline/offline-engine.ts";
import { quoteText } from "../offline/sql-text.ts";
import type { StoredObject } from "./s3-requests.ts";

const SECRET = "larder_s3";

/** Loads DuckDB's extension; answers why not where it cannot be had. Nothing is downloaded. @throws ABORTED */
export async function loadHttpfs(
  engine: OfflineEngine,
  config: S3Config,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const call: EngineCall = { subject: { kind: "plan" }, signal };
  try {
    await engine.run(
      `LOAD ${config.httpfsExtension === undefined ? "httpfs" : quoteText(config.httpfsExtension)}`,
      call,
    );
  } catch (error) {
    if (!isLarderError(error) || error.code === "ABORTED") throw error;
    return error.what;
  }
  const seconds = Math.max(1, Math.ceil(config.timeoutMs / 1000));
  // DuckDB waits twice as long before each retry: 100 ms to 6 s.
  const retries = Math.max(1, Math.min(6, Math.floor(config.deadlineMs / config.timeoutMs)));
  await engine.run(
    `SET http_timeout = ${seconds}; SET http_retries = ${retries}; SET http_retry_wait_ms = 100; SET http_retry_backoff = 2`,
    call,
  );
  return undefined;
}

/** Tells the session the key. @throws OFFLINE_FAILED, without the statement, which holds the key */
export async function giveSecret(
  engine: OfflineEngine,
  config: S3Config,
  { region, credentials }: { readonly region: string; readonly credentials: S3Credentials },
  signal: AbortSignal | undefined,
): Promise<void> {
  const endpoint = config.endpoint === undefined ? undefined : new URL(config.endpoint);
  const options = [
    "TYPE s3",
    `KEY_ID ${quoteText(credentials.accessKeyId)}`,
    `SECRET ${quoteText(credentials.secretAccessKey)}`,
    ...(credentials.sessionToken === undefined ? [] : [`SESSION_TOKEN ${quoteText(credentials.sessionToken)}`]),
    `REGION ${quoteText(region)}`,
    `URL_STYLE '${config.pathStyle ? "path" : "vhost"}'`,
    ...(endpoint === undefined
      ? []
      : [`ENDPOINT ${quoteText(endpoint.host)}`, `USE_SSL ${endpoint.protocol === "https:"}`]),
  ];
  try {
    const call: EngineCall = { subject: { kind: "plan" }, signal };
    await engine.run(`CREATE OR REPLACE TEMPORARY SECRET ${SECRET} (${options.join(", ")})`, call);
  } catch (error) {
    if (isLarderError(error) && error.code === "ABORTED") throw error;
    throw new LarderError("OFFLINE_FAILED", {
      what: "DuckDB does not take the key for S3",
      remedy: "Look at offline_store.s3, or read with reader: stage",
    });
  }
}

/** Takes the key from a session that may go on without this work. */
export async function dropSecret(engine: OfflineEngine): Promise<void> {
  await engine.run(`DROP SECRET IF EXISTS ${SECRET}`, { subject: { kind: "plan" } });
}

/** DuckDB takes what comes after a question mark for options. @throws UNSUPPORTED */
export function refuseOddKeys(objects: readonly StoredObject[]): void {
  const odd = objects.find(({ key }) => key.includes("?") || key.includes("#"));
  if (odd === undefined) return;
  throw new LarderError("UNSUPPORTED", {
    what: `${odd.url} has a ? or # in its key, which DuckDB's httpfs cannot read`,
    remedy: "Rename it, or read with reader: stage",
    facts: { object: odd.url },
  });
}
