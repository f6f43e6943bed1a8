import { type FeatureView, LarderError } from "@larder/schema";
import { batchSourceOf } from "./batch-source.ts";

/** Event times of interest, inclusive, in microseconds. */
export interface PartitionRange {
  readonly from?: bigint | undefined;
  readonly to?: bigint | undefined;
}

/** What Hive writes for a null. */
const NULL = "__HIVE_DEFAULT_PARTITION__";

/**
 * The files whose folders (`day=2026-01-31`) do not rule them out: by the range, by parts of the event time; by the tenant, where its column is a
 * partition. Parts may be split (`year=2026/month=1/day=31`) or written whole (`day=2026-01-31`). A range without files leaves the last one, so that
 * the source's columns are known.
 * @throws SOURCE_MISMATCH for a file that a partition does not name, or names by a value that is none
 */
export function keepPartitions<T extends { readonly name: string }>(
  view: FeatureView,
  tenant: string,
  files: readonly T[],
  range: PartitionRange | undefined,
): T[] {
  const { hivePartitions, tenantColumn } = batchSourceOf(view);
  if (hivePartitions.size === 0) return [...files];
  const kept = files.filter(({ name }) => {
    const values = partitionValues(view, name);
    const apart = tenantColumn !== undefined && hivePartitions.get(tenantColumn) === "column";
    if (apart && values.get(tenantColumn) !== tenant) return false;
    const period = periodOf(view, name, values);
    if (period === undefined) return true;
    const { from, to } = range ?? {};
    return (from === undefined || period.end > from) && (to === undefined || period.start <= to);
  });
  return kept.length > 0 ? kept : files.slice(-1);
}

/** Partition -> value, of those that hold columns; null for Hive's null. */
export function partitionColumns(view: FeatureView, file: string): ReadonlyMap<string, string | null> {
  const { hivePartitions } = batchSourceOf(view);
  if (![...hivePartitions.values()].includes("column")) return new Map();
  return new Map([...partitionValues(view, file)].filter(([name]) => hivePartitions.get(name) === "column"));
}

function partitionValues(view: FeatureView, file: string): Map<string, string | null> {
  const values = new Map<string, string | null>();
  for (const segment of file.split("/").slice(0, -1)) {
    const at = segment.indexOf("=");
    const name = at > 0 ? decode(segment.slice(0, at)) : "";
    if (!batchSourceOf(view).hivePartitions.has(name)) continue;
    const value = segment.slice(at + 1);
    values.set(name, value === NULL ? null : decode(value));
  }
  for (const name of batchSourceOf(view).hivePartitions.keys()) {
    if (!values.has(name)) throw mismatch(view, file, name, `is in no folder "${name}=…"`);
  }
  return values;
}

/** Hive writes characters that file systems dislike as %XX; other writers write a lone % as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

interface Period {
  readonly start: bigint;
  /** Exclusive. */
  readonly end: bigint;
}

const PARTS = ["year", "month", "day", "hour"] as const;

/** Which event times a file may hold; undefined for any, where a part is null or none is named. */
function periodOf(view: FeatureView, file: string, values: ReadonlyMap<string, string | null>): Period | undefined {
  const given: (number | undefined)[] = [undefined, undefined, undefined, undefined];
  for (const [name, meaning] of batchSourceOf(view).hivePartitions) {
    if (meaning === "column") continue;
    const value = values.get(name) as string | null;
    if (value === null) return undefined;
    const last = PARTS.indexOf(meaning);
    const numbers = numbersOf(value, last);
    if (numbers === undefined) throw mismatch(view, file, name, `"${value.slice(0, 50)}" is no ${meaning}`);
    for (const [i, number] of numbers.entries()) given[last - numbers.length + 1 + i] = number;
  }
  const known = given.indexOf(undefined);
  const count = known === -1 ? given.length : known;
  if (count === 0) return undefined;
  const [year = 0, month = 1, day = 1, hour = 0] = given.slice(0, count);
  const start = Date.UTC(year, month - 1, day, hour);
  const next = [year, month, day, hour];
  next[count - 1]! += 1;
  const end = Date.UTC(next[0]!, next[1]! - 1, next[2], next[3]);
  const found = new Date(start);
  if (found.getUTCMonth() !== month - 1 || found.getUTCDate() !== day || hour > 23) {
    throw mismatch(view, file, "the date", "is none");
  }
  return { start: BigInt(start) * 1000n, end: BigInt(end) * 1000n };
}

/** `7`, or whole: `2026-01-31` for a day, `2026-01-31-07` or `2026-01-31T07` for an hour. */
function numbersOf(value: string, last: number): number[] | undefined {
  if (/^\d{1,4}$/.test(value)) return [Number(value)];
  const numbers = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[-T ](\d{2}))?)?)?$/
    .exec(value)
    ?.slice(1)
    .filter((text) => text !== undefined)
    .map(Number);
  return numbers?.length === last + 1 ? numbers : undefined;
}

function mismatch(view: FeatureView, file: string, name: string, what: string): LarderError {
  return new LarderError("SOURCE_MISMATCH", {
    what: `The source of feature view "${view.name}" does not fit its hive_partitions: ${file}: ${name} ${what}`,
    remedy: "Correct hive_partitions or path of the source, or move the file",
    facts: { view: view.name, file, column: name },
  });
}
