import { Fault } from "../fault.ts";
import type { ValueDecoder } from "./decode-value.ts";

/** One column of a view's rows. */
export interface Column<T> {
  /** The view's name for it, as messages say it. */
  readonly name: string;
  /** Every name under which a record may bring it. */
  readonly names: readonly string[];
  readonly decode: ValueDecoder<T>;
  /** For times: null under one name and a time under another is that time. */
  readonly nullIsAbsent?: true;
}

/**
 * The record columns that mean `targets`, given a source's field mapping (source column -> name): the names themselves, except one that the
 * mapping turns into something else, and every source column mapped onto them.
 */
export function namesOf(targets: readonly string[], mapping: ReadonlyMap<string, string>): readonly string[] {
  const own = targets.filter((name) => (mapping.get(name) ?? name) === name);
  const mapped = [...mapping].filter(([, to]) => targets.includes(to)).map(([from]) => from);
  return [...new Set([...own, ...mapped])];
}

/** The column's checked value, undefined where the record has none, or the fault. Names with different values contradict each other. */
export function readColumn<T>(record: Readonly<Record<string, unknown>>, column: Column<T>): T | undefined | Fault {
  const { names } = column;
  if (names.length === 1) {
    const value = record[names[0]!];
    return value === undefined ? undefined : column.decode(value);
  }
  return readAlternatives(record, column);
}

function readAlternatives<T>(record: Readonly<Record<string, unknown>>, column: Column<T>): T | undefined | Fault {
  let found: T | undefined;
  let foundName: string | undefined;
  for (const name of column.names) {
    const value = record[name];
    if (value === undefined) continue;
    const decoded = column.decode(value);
    if (decoded instanceof Fault) return decoded;
    if (foundName === undefined || (found === null && column.nullIsAbsent === true)) {
      found = decoded;
      foundName = name;
    } else if (!same(found, decoded) && !(decoded === null && column.nullIsAbsent === true)) {
      return new Fault(`has different values under "${foundName}" and "${name}"`, "Send it under one name");
    }
  }
  return found;
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (!Array.isArray(a) || !Array.isArray(b)) return false;
  return a.length === b.length && a.every((item, i) => same(item, b[i]));
}
