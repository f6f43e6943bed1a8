import { decodeKeyValue, type JoinKey, LarderError } from "@larder/schema";
import { encodeKeyPart } from "../keys/entity-key.ts";
import type { EntityKeys, ReadPlan } from "./read-plan.ts";

/**
 * Encodes entity rows that come in columns (as HTTP brings them). Columns the plan does not need are ignored.
 * @throws INVALID_REQUEST naming the column and row: a missing join key, columns of different lengths, a value of the wrong type, null
 */
export function encodeEntityColumns(plan: ReadPlan, columns: Readonly<Record<string, readonly unknown[]>>): EntityKeys {
  const names = Object.keys(columns);
  const rowCount = names.length === 0 ? 0 : (columns[names[0] as string] as readonly unknown[]).length;
  for (const name of names) {
    const length = (columns[name] as readonly unknown[]).length;
    if (length === rowCount) continue;
    throw new LarderError("INVALID_REQUEST", {
      what: `Entity column "${clip(name)}" has ${length} values and "${clip(names[0] as string)}" has ${rowCount}`,
      remedy: "Give every entity column one value per row",
      facts: { field: `entities.${clip(name)}` },
    });
  }
  for (const { name, type } of plan.joinKeys) {
    if (!Object.hasOwn(columns, name)) throw missingJoinKey(plan, name, type, names);
  }
  return encodeGroups(plan, rowCount, (row, name) => (columns[name] as readonly unknown[])[row]);
}

/**
 * Encodes entity rows that come as objects (as `predict` and the embedded API bring them). Members the plan does not need are ignored.
 * @throws INVALID_REQUEST naming the join key and row
 */
export function encodeEntityRows(plan: ReadPlan, rows: readonly Readonly<Record<string, unknown>>[]): EntityKeys {
  return encodeGroups(plan, rows.length, (row, name) => {
    const entity = rows[row] as Readonly<Record<string, unknown>>;
    const value = entity[name];
    if (value !== undefined || Object.hasOwn(entity, name)) return value;
    const type = plan.joinKeys.find((key) => key.name === name)?.type ?? "";
    throw missingJoinKey(plan, name, type, Object.keys(entity), row);
  });
}

function encodeGroups(plan: ReadPlan, rowCount: number, valueAt: (row: number, name: string) => unknown): EntityKeys {
  const groups = plan.groups.map(({ columns }) => {
    const keys: string[] = new Array(rowCount);
    const [first] = columns;
    if (columns.length === 1 && first !== undefined) {
      for (let row = 0; row < rowCount; row++) keys[row] = encodeValue(first, valueAt(row, first.name), row);
    } else {
      for (let row = 0; row < rowCount; row++) {
        keys[row] = columns.map((column) => encodeValue(column, valueAt(row, column.name), row)).join(",");
      }
    }
    return keys;
  });
  return { rowCount, groups };
}

function encodeValue({ name, type }: JoinKey, value: unknown, row: number): string {
  // The common case, a plain integer id, without an object per value.
  if (type === "int64" && Number.isSafeInteger(value)) return String(value as number);
  const decoded = decodeKeyValue(type, value);
  if (decoded.ok) return encodeKeyPart(decoded.value);
  throw new LarderError("INVALID_REQUEST", {
    what: `Join key "${name}" of entity row ${row} ${decoded.what}`,
    remedy: decoded.remedy,
    facts: { field: name, row },
  });
}

function missingJoinKey(
  plan: ReadPlan,
  name: string,
  type: string,
  given: readonly string[],
  row?: number,
): LarderError {
  const needed = plan.joinKeys.map((key) => key.name).join(", ");
  return new LarderError("INVALID_REQUEST", {
    what: `Join key "${name}" is missing${row === undefined ? "" : ` in entity row ${row}`}`,
    remedy: `These features need ${needed} (${name} is ${type}); given: ${given.slice(0, 10).map(clip).join(", ") || "nothing"}`,
    facts: row === undefined ? { field: name } : { field: name, row },
  });
}

function clip(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}
