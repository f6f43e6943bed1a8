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

/** With integers as they are written. */
function readJson(name: string): unknown {
  return parseJson(readFileSync(golden(name), "utf8"));
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex, "hex");
}
