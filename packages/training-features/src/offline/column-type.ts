import { isListType, type KeyType, type ScalarType, scalarOf, type ValueType } from "@larder/schema";

/**
 * How a column is read as a declared type. A number is judged by its value, as everywhere in Larder: 1.0 is an int64, 1.5 is not. Where the
 * column's own type leaves that open, `bad` is true for the values that are none; they are looked for before anything else is done.
 */
export interface ColumnReading {
  /** Expression of the declared type, a unix_timestamp in epoch seconds; null where `bad`. */
  readonly value: string;
  /** Predicate, never null; undefined where the column's type can hold no bad value. */
  readonly bad: string | undefined;
  /** What `bad` means, to go on after the value: `is not an int64`. */
  readonly fault: string;
}

/** DuckDB's types that a declared type may be read from, for messages. */
export function acceptedTypes(type: ValueType): string {
  const accepted = SCALARS[scalarOf(type)].accepted;
  return isListType(type) ? `a list of ${accepted}` : accepted;
}

/** Reads `column` (an SQL expression of DuckDB type `found`) as `type`; undefined if that type can never be it. */
export function readColumn(column: string, found: string, type: ValueType): ColumnReading | undefined {
  if (isListType(type)) return found.endsWith("[]") ? readList(column, found, scalarOf(type)) : undefined;
  return readScalar(column, found, type);
}

/** Reads a join key. Keys are compared as BIGINT, VARCHAR or BLOB, so int32 meets int64 by value. */
export function readKey(column: string, found: string, type: KeyType): ColumnReading | undefined {
  const reading = readScalar(column, found, type);
  return type === "int32" && reading !== undefined
    ? { ...reading, value: `CAST(${reading.value} AS BIGINT)` }
    : reading;
}

/** Reads a time as BIGINT microseconds since the epoch: any unit and zone, naive is UTC. */
export function readTime(column: string, found: string): ColumnReading | undefined {
  const fault = "is finer than a microsecond";
  if (found === "TIMESTAMP_NS") {
    const bad = `(${column} IS NOT NULL AND epoch_ns(${column}) % 1000 <> 0)`;
    return { value: `(epoch_ns(${column}) // 1000)`, bad, fault };
  }
  return TIMES.has(found) ? { value: `epoch_us(${column})`, bad: undefined, fault } : undefined;
}

/** DuckDB's types of a point in time, for messages. DATE is none: the day's first and last instant differ by a day of leakage. */
export const ACCEPTED_TIMES = "TIMESTAMP, with or without time zone";

/** A literal of the time type `found`, so that a filter reaches the file's statistics; undefined outside years 1700 to 2200. */
export function timeLiteral(micros: bigint, found: string): string | undefined {
  if (micros < LITERAL_FROM || micros > LITERAL_TO) return undefined;
  const millis = micros / 1000n;
  const floored = millis * 1000n > micros ? millis - 1n : millis;
  const rest = String(micros - floored * 1000n).padStart(3, "0");
  const text = new Date(Number(floored)).toISOString().replace("T", " ").replace("Z", rest);
  switch (found) {
    case "TIMESTAMP":
      return `TIMESTAMP '${text}'`;
    case "TIMESTAMP_NS":
      return `TIMESTAMP_NS '${text}'`;
    case "TIMESTAMP WITH TIME ZONE":
      return `TIMESTAMPTZ '${text}+00'`;
    default:
      return undefined;
  }
}

const LITERAL_FROM = BigInt(Date.UTC(1700, 0, 1)) * 1000n;
const LITERAL_TO = BigInt(Date.UTC(2200, 0, 1)) * 1000n;
const TIMES: ReadonlySet<string> = new Set(["TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS"]);

interface ScalarRule {
  /** DuckDB's type of the reading. */
  readonly sql: string;
  /** Types whose every value is one, exactly. */
  readonly exact: ReadonlySet<string>;
  /** Whether other numbers are judged one by one. */
  readonly byValue: boolean;
  readonly accepted: string;
}

const WHOLE_16 = ["TINYINT", "SMALLINT", "UTINYINT"];
const WHOLE_32 = [...WHOLE_16, "USMALLINT", "INTEGER"];
const WHOLE_64 = [...WHOLE_32, "UINTEGER", "BIGINT"];
const NUMBERS = [...WHOLE_64, "UBIGINT", "HUGEINT", "UHUGEINT", "FLOAT", "DOUBLE"];

const SCALARS: Readonly<Record<ScalarType, ScalarRule>> = {
  int32: { sql: "INTEGER", exact: new Set(WHOLE_32), byValue: true, accepted: "numbers that are all int32" },
  int64: { sql: "BIGINT", exact: new Set(WHOLE_64), byValue: true, accepted: "numbers that are all int64" },
  float32: { sql: "FLOAT", exact: new Set([...WHOLE_16, "USMALLINT", "FLOAT"]), byValue: true, accepted: "numbers" },
  float64: {
    sql: "DOUBLE",
    exact: new Set([...WHOLE_32, "UINTEGER", "FLOAT", "DOUBLE"]),
    byValue: true,
    accepted: "numbers",
  },
  bool: { sql: "BOOLEAN", exact: new Set(["BOOLEAN"]), byValue: false, accepted: "BOOLEAN" },
  string: { sql: "VARCHAR", exact: new Set(["VARCHAR", "JSON"]), byValue: false, accepted: "text (VARCHAR)" },
  bytes: { sql: "BLOB", exact: new Set(["BLOB"]), byValue: false, accepted: "binary (BLOB)" },
  unix_timestamp: { sql: "BIGINT", exact: new Set(), byValue: false, accepted: "TIMESTAMP in whole seconds" },
};

function readScalar(column: string, found: string, type: ScalarType): ColumnReading | undefined {
  const rule = SCALARS[type];
  const fault = `is not ${article(type)}`;
  if (type === "unix_timestamp") {
    const time = readTime(column, found);
    if (time === undefined) return undefined;
    const unit = found === "TIMESTAMP_NS" ? 1_000_000_000 : 1_000_000;
    const count = found === "TIMESTAMP_NS" ? `epoch_ns(${column})` : time.value;
    const bad = `coalesce(${count} % ${unit} <> 0, ${column} IS NOT NULL)`;
    return { value: `(${count} // ${unit})`, bad, fault: "is not a whole second" };
  }
  if (found === rule.sql) return { value: column, bad: undefined, fault };
  if (rule.exact.has(found)) return { value: `CAST(${column} AS ${rule.sql})`, bad: undefined, fault };
  if (!rule.byValue || !isNumber(found)) return undefined;
  return type === "float32" || type === "float64"
    ? readFloat(column, type, fault)
    : readWhole(column, found, rule.sql, fault);
}

/** Rounds to the nearest float, as a decimal text would be; only a number beyond the type's range is bad. */
function readFloat(column: string, type: "float32" | "float64", fault: string): ColumnReading {
  const double = `TRY_CAST(${column} AS DOUBLE)`;
  const value = type === "float64" ? double : `TRY_CAST(${double} AS FLOAT)`;
  return { value, bad: `(${column} IS NOT NULL AND ${value} IS NULL)`, fault };
}

/** A cast rounds, so the value must come back the same. */
function readWhole(column: string, found: string, sql: string, fault: string): ColumnReading {
  const value = `TRY_CAST(${column} AS ${sql})`;
  return { value, bad: `(TRY_CAST(${value} AS ${found}) IS DISTINCT FROM ${column})`, fault };
}

/** Lists hold no nulls, and their elements follow the rules of their type. */
function readList(column: string, found: string, type: ScalarType): ColumnReading | undefined {
  const element = readScalar("e", found.slice(0, -2), type);
  if (element === undefined) return undefined;
  const fault = `is no list of ${type} without nulls`;
  const value = element.value === "e" ? column : `list_transform(${column}, lambda e: ${element.value})`;
  const holds = element.bad === undefined ? "e IS NULL" : `e IS NULL OR ${element.bad}`;
  const bad = `coalesce(len(list_filter(${column}, lambda e: ${holds})) > 0, false)`;
  return { value, bad, fault };
}

function isNumber(found: string): boolean {
  return NUMBERS.includes(found) || found.startsWith("DECIMAL(");
}

function article(type: ScalarType): string {
  return type.startsWith("int") || type.startsWith("unix") ? `an ${type}` : `a ${type}`;
}
