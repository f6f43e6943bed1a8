import { isListType, type KeyType, type ScalarType, scalarOf, type ValueType } from "@larder/schema";
import type { ColumnReading } from "../offline/column-type.ts";

/*
 * How Spark's columns are read as declared types: the rules of ../offline/column-type.ts in Spark's dialect. A number is judged by its value, and what
 * the column's own type leaves open is looked for with `bad` before anything else is done.
 */

/** A column of Parquet nanoseconds, which Spark hands out as BIGINT. */
export const NANOS_LONG = "bigint of nanoseconds";
/** A column of Parquet nanoseconds in an engine that computes with them but hands none out. */
export const NANOS_TIME = "timestamp of nanoseconds";

/** Reads `column` (an expression of Spark type `found`) as `type`; undefined if that type can never be it. */
export function readSparkColumn(column: string, found: string, type: ValueType): ColumnReading | undefined {
  if (!isListType(type)) return readScalar(column, found, type);
  const item = /^array<(.*)>$/.exec(found)?.[1];
  return item === undefined ? undefined : readList(column, item, scalarOf(type));
}

/** Reads a join key. Keys are compared as BIGINT, STRING or BINARY, so int32 meets int64 by value. */
export function readSparkKey(column: string, found: string, type: KeyType): ColumnReading | undefined {
  const reading = readScalar(column, found, type);
  return type === "int32" && reading !== undefined
    ? { ...reading, value: `CAST(${reading.value} AS BIGINT)` }
    : reading;
}

/** Reads a time as BIGINT microseconds since the epoch; naive is UTC, as the session's zone is. */
export function readSparkTime(column: string, found: string): ColumnReading | undefined {
  const fault = "is finer than a microsecond";
  switch (found) {
    case "timestamp":
      return { value: `unix_micros(${column})`, bad: undefined, fault };
    case "timestamp_ntz":
      return { value: `unix_micros(CAST(${column} AS TIMESTAMP))`, bad: undefined, fault };
    case NANOS_LONG:
      return { value: `(${column} div 1000)`, bad: `coalesce(${column} % 1000 <> 0, false)`, fault };
    case NANOS_TIME: {
      const rounded = `CAST(${column} AS TIMESTAMP)`;
      return { value: `unix_micros(${rounded})`, bad: `coalesce(${column} <> ${rounded}, false)`, fault };
    }
    default:
      return undefined;
  }
}

/** A constant of a time column's own type, so that a comparison reaches the files' statistics; undefined outside years 1700 to 2200. */
export function sparkTimeLiteral(micros: bigint, found: string): string | undefined {
  if (micros < LITERAL_FROM || micros > LITERAL_TO) return undefined;
  if (found === "timestamp") return `timestamp_micros(${micros})`;
  return found === "timestamp_ntz" ? `CAST(timestamp_micros(${micros}) AS TIMESTAMP_NTZ)` : undefined;
}

const LITERAL_FROM = BigInt(Date.UTC(1700, 0, 1)) * 1000n;
const LITERAL_TO = BigInt(Date.UTC(2200, 0, 1)) * 1000n;

/** Spark's type of a reading; a unix_timestamp is epoch seconds. */
export function sparkTypeOf(type: ValueType): string {
  const scalar = SCALARS[scalarOf(type)].sql;
  return isListType(type) ? `ARRAY<${scalar}>` : scalar;
}

interface ScalarRule {
  readonly sql: string;
  /** Types whose every value is one, exactly. */
  readonly exact: ReadonlySet<string>;
  /** Whether other numbers are judged one by one. */
  readonly byValue: boolean;
}

const WHOLE_16 = ["tinyint", "smallint"];
const WHOLE_32 = [...WHOLE_16, "int"];
const WHOLE_64 = [...WHOLE_32, "bigint"];
const NUMBERS: ReadonlySet<string> = new Set([...WHOLE_64, "float", "double"]);

const SCALARS: Readonly<Record<ScalarType, ScalarRule>> = {
  int32: { sql: "INT", exact: new Set(WHOLE_32), byValue: true },
  int64: { sql: "BIGINT", exact: new Set(WHOLE_64), byValue: true },
  float32: { sql: "FLOAT", exact: new Set([...WHOLE_16, "float"]), byValue: true },
  float64: { sql: "DOUBLE", exact: new Set([...WHOLE_32, "float", "double"]), byValue: true },
  bool: { sql: "BOOLEAN", exact: new Set(["boolean"]), byValue: false },
  string: { sql: "STRING", exact: new Set(["string"]), byValue: false },
  bytes: { sql: "BINARY", exact: new Set(["binary"]), byValue: false },
  unix_timestamp: { sql: "BIGINT", exact: new Set(), byValue: false },
};

function readScalar(column: string, found: string, type: ScalarType): ColumnReading | undefined {
  const rule = SCALARS[type];
  const fault = `is not ${type.startsWith("int") || type.startsWith("unix") ? "an" : "a"} ${type}`;
  if (type === "unix_timestamp") return readSeconds(column, found);
  if (found === rule.sql.toLowerCase()) return { value: column, bad: undefined, fault };
  if (rule.exact.has(found)) return { value: `CAST(${column} AS ${rule.sql})`, bad: undefined, fault };
  if (!rule.byValue || !(NUMBERS.has(found) || found.startsWith("decimal("))) return undefined;
  if (type === "float64") return { value: `CAST(${column} AS DOUBLE)`, bad: undefined, fault };
  if (type === "float32") return readFloat(column, fault);
  // A cast cuts fractions off, so the value must come back the same.
  const value = `try_cast(${column} AS ${rule.sql})`;
  return { value, bad: `NOT (try_cast(${value} AS ${found.toUpperCase()}) <=> ${column})`, fault };
}

function readSeconds(column: string, found: string): ColumnReading | undefined {
  const time = readSparkTime(column, found);
  if (time === undefined) return undefined;
  const part = `coalesce(${time.value} % 1000000 <> 0, false)`;
  const bad = time.bad === undefined ? part : `(${part} OR ${time.bad})`;
  return { value: `(${time.value} div 1000000)`, bad, fault: "is not a whole second" };
}

/** A finite number that is none as a float32 is beyond its range. */
function readFloat(column: string, fault: string): ColumnReading {
  const double = `CAST(${column} AS DOUBLE)`;
  const value = `CAST(${double} AS FLOAT)`;
  const infinite = (sql: string) => `abs(${sql}) = double('infinity')`;
  return { value, bad: `coalesce(${infinite(`CAST(${value} AS DOUBLE)`)} AND NOT ${infinite(double)}, false)`, fault };
}

/** Lists hold no nulls, and their elements follow the rules of their type. */
function readList(column: string, item: string, type: ScalarType): ColumnReading | undefined {
  const element = readScalar("e", item, type);
  if (element === undefined) return undefined;
  const value = element.value === "e" ? column : `transform(${column}, e -> ${element.value})`;
  const nulls = `size(array_compact(${column})) < size(${column})`;
  const holds = element.bad === undefined ? nulls : `${nulls} OR exists(${column}, e -> ${element.bad})`;
  const bad = `coalesce(${holds}, false)`;
  return { value, bad, fault: `is no list of ${type} without nulls` };
}
