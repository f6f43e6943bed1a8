import { LarderError } from "../errors.ts";
import { findJsonFault, type JsonFault } from "./json-fault.ts";
import { scanJson } from "./scan-json.ts";
import { settleJson } from "./settle-json.ts";

/** Options of {@link parseJson}. */
export interface ParseJsonOptions {
  /** Most levels of lists and objects. Default 32. */
  readonly maxDepth?: number;
}

/**
 * Strict and exact JSON. As JSON.parse, except that integers beyond 2^53 come out as bigint and these are refused: numbers that overflow
 * (1e400), duplicate keys, the keys `__proto__`, `constructor` and `prototype`, and more levels than `maxDepth`.
 *
 * One scan of the text, the native parser, one walk over the result. Long integers go through the native parser as marked strings, which is
 * ten times faster than a reviver.
 * @throws MALFORMED_REQUEST with `facts.kind` (syntax, overflow, prototype_key, duplicate_key, depth), `facts.offset` (UTF-16 units), `facts.line` and
 * `facts.column` (from 1)
 */
export function parseJson(text: string, options: ParseJsonOptions = {}): unknown {
  const { maxDepth = 32 } = options;
  const scan = scanJson(text, maxDepth);
  if (scan.tooDeepAt !== undefined) {
    const what = `The JSON has more than ${maxDepth} levels`;
    throw malformed(text, { kind: "depth", offset: scan.tooDeepAt, what, remedy: "Send a flatter value" });
  }
  let settled = settleJson(parseNative(scan.marked ?? text, text), scan.markedCount > 0);
  if (settled.markedKey || settled.marked > scan.markedCount) {
    // Some text of the caller's looks like a mark, or an integer stands for a key. The slow way knows the difference.
    settled = settleJson(parseNative(text, text, reviveIntegers), false);
  }
  if (settled.clean && settled.keys === scan.colons) return settled.value;
  throw refuse(text);
}

function parseNative(text: string, original: string, reviver?: typeof reviveIntegers): unknown {
  try {
    return JSON.parse(text, reviver);
  } catch (cause) {
    throw cause instanceof SyntaxError ? refuse(original, cause) : cause;
  }
}

function refuse(text: string, cause?: unknown): LarderError {
  return malformed(text, findJsonFault(text), cause);
}

/** The third argument of a reviver: the number as it was written (ECMAScript's JSON.parse source text access). */
interface ReviverContext {
  readonly source?: string;
}

const INTEGER = /^-?\d+$/;

function reviveIntegers(_key: string, value: unknown, context?: ReviverContext): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || !Number.isFinite(value)) return value;
  const source = context?.source ?? "";
  return INTEGER.test(source) ? BigInt(source) : value;
}

function malformed(text: string, { kind, offset, what, remedy }: JsonFault, cause?: unknown): LarderError {
  const before = text.slice(0, offset).split("\n");
  const line = before.length;
  const column = (before.at(-1) ?? "").length + 1;
  return new LarderError("MALFORMED_REQUEST", {
    what: `${what} (line ${line}, column ${column})`,
    remedy,
    facts: { kind, offset, line, column },
    ...(cause === undefined ? {} : { cause }),
  });
}
