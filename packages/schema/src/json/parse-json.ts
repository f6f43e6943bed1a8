import { LarderError } from "../errors.ts";
import { findJsonFault, isPrototypeKey } from "./json-fault.ts";

/** Options of {@link parseJson}. */
export interface ParseJsonOptions {
  /** Most levels of lists and objects. Default 32. */
  readonly maxDepth?: number;
}

/**
 * Strict and exact JSON. As JSON.parse, except that integers beyond 2^53 come out as bigint and these are refused: numbers that overflow
 * (1e400), duplicate keys, the keys `__proto__`, `constructor` and `prototype`, and more levels than `maxDepth`.
 * One scan of the text, then the native parser; the slow way is taken only where a long run of digits or an exponent is seen.
 * @throws MALFORMED_REQUEST with `facts.offset` (UTF-16 units), `facts.line` and `facts.column` (from 1)
 */
export function parseJson(text: string, options: ParseJsonOptions = {}): unknown {
  const { maxDepth = 32 } = options;
  const scan = scanJson(text, maxDepth);
  if (scan.tooDeepAt !== undefined) {
    throw malformed(text, scan.tooDeepAt, `The JSON has more than ${maxDepth} levels`, "Send a flatter value");
  }
  let value: unknown;
  try {
    value = scan.longNumbers ? parseExactly(text) : JSON.parse(text);
  } catch (cause) {
    throw cause instanceof SyntaxError ? refuse(text, cause) : cause;
  }
  if (!hasPlainKeys(value, scan.colons)) throw refuse(text);
  return value;
}

/** What one pass over the text tells. */
interface JsonScan {
  readonly tooDeepAt: number | undefined;
  /** Colons outside strings: as many as keys in the text, in valid JSON. */
  readonly colons: number;
  /** Some number may overflow or be an integer beyond 2^53. */
  readonly longNumbers: boolean;
}

function scanJson(text: string, maxDepth: number): JsonScan {
  let depth = 0;
  let colons = 0;
  // Digits of an integer so far; far below zero in a fraction or an exponent, whose length is no danger.
  let digits = 0;
  let longNumbers = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) {
      // 16 digits may exceed 2^53 = 9007199254740992 only if they start with 9.
      if (++digits > 16 || (digits === 16 && text.charCodeAt(i - 15) === 57)) longNumbers = true;
      continue;
    }
    if (digits !== 0) {
      if (code === 46) {
        digits = Number.NEGATIVE_INFINITY;
        continue;
      }
      // The e of true and false does not follow a digit.
      if ((code === 101 || code === 69) && isLongExponent(text, i + 1)) longNumbers = true;
      digits = 0;
    }
    if (code === 34) {
      i = endOfString(text, i);
    } else if (code === 58) {
      colons++;
    } else if (code === 91 || code === 123) {
      if (++depth > maxDepth) return { tooDeepAt: i, colons, longNumbers };
    } else if (code === 93 || code === 125) {
      depth--;
    }
  }
  return { tooDeepAt: undefined, colons, longNumbers };
}

/** Positive and of three digits or more: the only exponents that overflow, unless the number has hundreds of digits. */
function isLongExponent(text: string, start: number): boolean {
  const sign = text.charCodeAt(start);
  if (sign === 45) return false;
  const third = text.charCodeAt(start + (sign === 43 ? 3 : 2));
  return third >= 48 && third <= 57;
}

/** Index of the quote that ends the string opened at `start`, or the text's end. */
function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (quote !== -1) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === 92) backslashes++;
    if (backslashes % 2 === 0) return quote;
    quote = text.indexOf('"', quote + 1);
  }
  return text.length;
}

/** The third argument of a reviver: the number as it was written (ECMAScript's JSON.parse source text access). */
interface ReviverContext {
  readonly source?: string;
}

const INTEGER = /^-?\d+$/;

function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key: string, value: unknown, context?: ReviverContext) => {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    if (!Number.isFinite(value)) throw new SyntaxError("number overflows");
    const source = context?.source ?? "";
    return INTEGER.test(source) ? BigInt(source) : value;
  });
}

/** True if no key is a prototype's and as many keys came out as went in. */
function hasPlainKeys(value: unknown, colons: number): boolean {
  let keys = 0;
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (Array.isArray(next)) {
      for (const item of next) if (typeof item === "object" && item !== null) open.push(item);
    } else if (typeof next === "object" && next !== null) {
      for (const [key, item] of Object.entries(next)) {
        if (isPrototypeKey(key)) return false;
        keys++;
        if (typeof item === "object" && item !== null) open.push(item);
      }
    }
  }
  return keys === colons;
}

function refuse(text: string, cause?: unknown): LarderError {
  const fault = findJsonFault(text);
  return malformed(text, fault.offset, fault.what, fault.remedy, cause);
}

function malformed(text: string, offset: number, what: string, remedy: string, cause?: unknown): LarderError {
  const before = text.slice(0, offset).split("\n");
  const line = before.length;
  const column = (before.at(-1) ?? "").length + 1;
  return new LarderError("MALFORMED_REQUEST", {
    what: `${what} (line ${line}, column ${column})`,
    remedy,
    facts: { offset, line, column },
    ...(cause === undefined ? {} : { cause }),
  });
}
