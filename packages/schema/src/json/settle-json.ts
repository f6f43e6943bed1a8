import { isPrototypeKey } from "./json-fault.ts";
import { MARK } from "./scan-json.ts";

/** What a walk over a parsed value found. */
export interface SettledJson {
  readonly value: unknown;
  readonly keys: number;
  /** Strings that looked like marked integers; each is an integer now. */
  readonly marked: number;
  /** No number overflows and no key is a prototype's. */
  readonly clean: boolean;
  /** Some key looks like a marked integer: then an integer may have stood where only a key may. */
  readonly markedKey: boolean;
}

type Container = Record<string | number, unknown>;

/**
 * Walks a freshly parsed value once: turns marked strings into their integers, in place, counts keys, and looks for what is refused. With
 * `unmark` false, strings are left alone.
 */
export function settleJson(value: unknown, unmark: boolean): SettledJson {
  const root: Container = { value };
  const open: Container[] = [root];
  let keys = -1;
  let marked = 0;
  let clean = true;
  let markedKey = false;

  for (let holder = open.pop(); holder !== undefined; holder = open.pop()) {
    if (Array.isArray(holder)) {
      for (let i = 0; i < holder.length; i++) settle(holder, i, holder[i]);
    } else {
      for (const key of Object.keys(holder)) {
        keys++;
        if (isPrototypeKey(key)) clean = false;
        if (unmark && key.startsWith(MARK)) markedKey = true;
        settle(holder, key, holder[key]);
      }
    }
  }
  return { value: root["value"], keys, marked, clean, markedKey };

  function settle(holder: Container, key: string | number, item: unknown): void {
    if (typeof item === "object") {
      if (item !== null) open.push(item as Container);
    } else if (typeof item === "number") {
      if (!Number.isFinite(item)) clean = false;
    } else if (unmark && typeof item === "string" && item.startsWith(MARK)) {
      const integer = readMarked(item);
      if (integer === undefined) return;
      marked++;
      holder[key] = integer;
      if (typeof integer === "number" && !Number.isFinite(integer)) clean = false;
    }
  }
}

/** Longer integers overflow float64. */
const MAX_DIGITS = 309;

/** The integer of a marked string; undefined for a text that only starts like one. Infinity for one that overflows. */
function readMarked(text: string): number | bigint | undefined {
  const digits = text.slice(1);
  if (!/^-?\d+$/.test(digits)) return undefined;
  const number = digits.length > MAX_DIGITS + 1 ? Infinity : Number(digits);
  return Number.isSafeInteger(number) || !Number.isFinite(number) ? number : BigInt(digits);
}
