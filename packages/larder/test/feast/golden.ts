import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseJson } from "@larder/schema";
import { type RedisServer, redisCommand } from "@larder/testkit";

/** One request to a real Feast, and what it answered. */
export interface Pair {
  readonly seq: number;
  readonly name: string;
  readonly request: {
    readonly method: "GET" | "POST";
    readonly path: string;
    readonly body?: unknown;
    readonly raw_body?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly status: number;
  readonly body: string;
}

/** Absolute path of a golden file. */
export function golden(name: string): string {
  return fileURLToPath(new URL(`../golden/feast/${name}`, import.meta.url));
}

/** A registry of Feast's, the rows that Feast wrote on its definitions, and what it answered. */
export interface Recorded {
  /** Absolute path. */
  readonly registry: string;
  /** In a registry of several. */
  readonly project: string;
  /** Key -> field -> value, in hex. */
  readonly rows: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** In the order that the requests were sent. */
  readonly pairs: readonly Pair[];
}

/** A session of `feast serve`; its rows and registry may be in another folder, made again. */
export function recordedTelco(folder = golden(".")): Recorded {
  const rows = readJson(join(folder, "rows.json")) as Recorded["rows"];
  const pairs = readJson(golden("http.json")) as Recorded["pairs"];
  return { registry: join(folder, "registry.db"), project: "telco", rows, pairs };
}

/** Answers of the SDK on a project with one of everything. */
export function recordedEverything(folder = golden(".")): Recorded {
  const rows = readJson(join(folder, "everything-rows.json")) as Recorded["rows"];
  const pairs = readJson(join(folder, "everything.json")) as Recorded["pairs"];
  return { registry: join(folder, "everything.db"), project: "everything", rows, pairs };
}

/** Empties a Redis and fills it with the bytes that a real Feast wrote. */
export async function fillRedis({ port }: RedisServer, rows: Recorded["rows"]): Promise<void> {
  await redisCommand(port, "FLUSHALL");
  for (const [key, fields] of Object.entries(rows)) {
    await redisCommand(port, "HSET", bytes(key), ...Object.entries(fields).flat().map(bytes));
  }
}

/** A query for the source rows of churn_features, all dated to the start of one day. */
export function churnRows(day: string): string {
  return `SELECT * REPLACE (unhex(avatar.hex) AS avatar, last_contact::TIMESTAMPTZ AS last_contact, num_services::INTEGER AS num_services,
    charge_ratio::FLOAT AS charge_ratio, TIMESTAMP '${day}' AS event_timestamp, TIMESTAMP '${day}' AS created)
    FROM read_json('${golden("rows-of-churn.json")}')`;
}

/** A query for one source row of usage_features. */
export function usageRows(day: string): string {
  return `SELECT 1::BIGINT AS customer_id, 'voice' AS product_code, 0::DOUBLE AS minutes_7d, 0::BIGINT AS sessions_7d,
    TIMESTAMP '${day}' AS event_timestamp`;
}

/** With integers as they are written. */
function readJson(file: string): unknown {
  return parseJson(readFileSync(file, "utf8"));
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex, "hex");
}
