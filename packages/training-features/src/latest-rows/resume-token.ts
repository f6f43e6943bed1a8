import { type KeyType, LarderError } from "@larder/schema";
import type { EngineValue } from "../offline/offline-engine.ts";
import { keyColumns } from "../offline/source-scan.ts";
import { bigintLiteral, quoteBytes, quoteText } from "../offline/sql-text.ts";

/**
 * A resume token is the last entity key that was handed out, as a JSON list in the order of the view's join keys: integers and seconds as decimal text,
 * text as itself, bytes as base64. Rows come in the order of their keys, so "after this key" holds whatever else has changed.
 */
export function tokenOf(types: readonly KeyType[], key: readonly EngineValue[]): string {
  return JSON.stringify(types.map((type, i) => partOf(type, key[i]!)));
}

/**
 * SQL of the condition that a scan's keys come after a token's.
 * @throws INVALID_REQUEST for text that is no token of a view with these join keys
 */
export function afterToken(types: readonly KeyType[], token: string): string {
  const parts = parse(types, token);
  // A view without join keys has one row, and a token comes after it.
  if (types.length === 0) return "false";
  const names = keyColumns(types.length);
  const literals = types.map((type, i) => literalOf(type, parts[i]!, token));
  const steps = names.map((name, i) => {
    const equal = names.slice(0, i).map((other, j) => `${other} = ${literals[j]}`);
    return `(${[...equal, `${name} > ${literals[i]}`].join(" AND ")})`;
  });
  return `(${steps.join(" OR ")})`;
}

function partOf(type: KeyType, value: EngineValue): string {
  if (type === "bytes" || type === "string") {
    return Buffer.from(value as Uint8Array).toString(type === "bytes" ? "base64" : "utf8");
  }
  return String(value);
}

function literalOf(type: KeyType, part: string, token: string): string {
  if (type === "string") return quoteText(part);
  if (type === "bytes") return quoteBytes(Buffer.from(part, "base64"));
  if (!/^-?\d{1,19}$/.test(part)) throw notAToken(token);
  return bigintLiteral(BigInt(part));
}

function parse(types: readonly KeyType[], token: string): string[] {
  let parts: unknown;
  try {
    parts = JSON.parse(token);
  } catch {
    throw notAToken(token);
  }
  if (!Array.isArray(parts) || parts.length !== types.length) throw notAToken(token);
  if (!parts.every((part) => typeof part === "string")) throw notAToken(token);
  return parts;
}

function notAToken(token: string): LarderError {
  return new LarderError("INVALID_REQUEST", {
    what: `"${token.slice(0, 100)}" is no resume token of this view`,
    remedy: "Give the token of a chunk that was read before, or none to start over",
    facts: { field: "after" },
  });
}
