import { clip } from "../fault.ts";

/** The ways in which a JSON text is refused. */
export type JsonFaultKind = "syntax" | "overflow" | "prototype_key" | "duplicate_key" | "depth";

/** The first thing wrong with a JSON text. */
export interface JsonFault {
  readonly kind: JsonFaultKind;
  /** UTF-16 units from the start. */
  readonly offset: number;
  readonly what: string;
  readonly remedy: string;
}

/** True for the keys that reach an object's prototype in careless hands. */
export function isPrototypeKey(key: string): boolean {
  return key === "__proto__" || key === "constructor" || key === "prototype";
}

/**
 * Finds what `parseJson` refused a text for. Slow and exact: it runs only once a text is known to be refused, since JSON.parse forgets
 * duplicate keys and does not always say where a text breaks.
 */
export function findJsonFault(text: string): JsonFault {
  const reader = new JsonReader(text);
  return reader.readValue() ?? reader.readEnd() ?? syntax(text, text.length);
}

const SPACE = /[ \t\n\r]*/y;
// From space on, all but the quote and the backslash.
const CHARACTERS = String.raw`"(?:[ !#-[\]-\u{10ffff}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*`;
const STRING = new RegExp(`${CHARACTERS}"`, "uy");
const STRING_START = new RegExp(CHARACTERS, "uy");
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/** Each method moves on past what it reads, or answers the fault it met. */
class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readValue(): JsonFault | undefined {
    this.#take(SPACE);
    const start = this.#at;
    const next = this.#text[start];
    if (next === "{") return this.#readObject();
    if (next === "[") return this.#readList();
    if (next === '"') return this.#take(STRING) === "" ? this.#brokenString(start) : undefined;
    const number = this.#take(NUMBER);
    if (number !== "") {
      if (Number.isFinite(Number(number))) return undefined;
      return {
        kind: "overflow",
        offset: start,
        what: `The JSON has the number ${clip(number)}, which overflows`,
        remedy: "Send a number within float64",
      };
    }
    return this.#take(WORD) === "" ? syntax(this.#text, start) : undefined;
  }

  readEnd(): JsonFault | undefined {
    this.#take(SPACE);
    return this.#at < this.#text.length ? syntax(this.#text, this.#at) : undefined;
  }

  #readObject(): JsonFault | undefined {
    this.#at++;
    const keys = new Set<string>();
    if (this.#skip("}")) return undefined;
    do {
      this.#take(SPACE);
      const start = this.#at;
      if (this.#text[start] !== '"') return syntax(this.#text, start);
      const source = this.#take(STRING);
      if (source === "") return this.#brokenString(start);
      const key: unknown = JSON.parse(source);
      if (typeof key === "string" && isPrototypeKey(key)) {
        const what = `The JSON has the key "${key}"`;
        return { kind: "prototype_key", offset: start, what, remedy: "Use another name" };
      }
      if (typeof key === "string" && keys.has(key)) {
        const what = `The JSON has the key ${clip(source)} twice in one object`;
        return { kind: "duplicate_key", offset: start, what, remedy: "Send each key once" };
      }
      keys.add(String(key));
      if (!this.#skip(":")) return syntax(this.#text, this.#at);
      const fault = this.readValue();
      if (fault !== undefined) return fault;
    } while (this.#skip(","));
    return this.#skip("}") ? undefined : syntax(this.#text, this.#at);
  }

  #readList(): JsonFault | undefined {
    this.#at++;
    if (this.#skip("]")) return undefined;
    do {
      const fault = this.readValue();
      if (fault !== undefined) return fault;
    } while (this.#skip(","));
    return this.#skip("]") ? undefined : syntax(this.#text, this.#at);
  }

  /** Points at the first character that a string cannot hold. */
  #brokenString(start: number): JsonFault {
    STRING_START.lastIndex = start;
    const good = STRING_START.exec(this.#text)?.[0] ?? "";
    return syntax(this.#text, start + good.length);
  }

  #skip(character: string): boolean {
    this.#take(SPACE);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }
}

function syntax(text: string, offset: number): JsonFault {
  const found = offset >= text.length ? "ends too early" : `breaks at ${JSON.stringify(text[offset])}`;
  return { kind: "syntax", offset, what: `The JSON ${found}`, remedy: "Send valid JSON" };
}
