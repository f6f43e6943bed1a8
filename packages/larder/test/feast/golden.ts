import { readFileSync } from "node:fs";
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

/** The recorded requests in the order that they were sent. */
export const PAIRS = readJson("http.json") as readonly Pair[];

/** Fills a Redis with the bytes that a real Feast wrote: key -> field -> value, in hex. */
export async function fillRedis({ port }: RedisServer): Promise<void> {
  const rows = readJson("rows.json") as Readonly<Record<string, Readonly<Record<string, string>>>>;
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
function readJson(name: string): unknown {
  return parseJson(readFileSync(golden(name), "utf8"));
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex, "hex");
}
