/*
 * The point-in-time join as its rules say it, in plain loops over every pair: what the engine's answer is compared with.
 */

/** A join key or a value. Text is compared by its UTF-8 bytes. */
export type Cell = bigint | number | string | null;

export interface ReferenceRow {
  readonly keys: readonly Cell[];
  /** Microseconds. */
  readonly event: bigint | null;
  readonly created: bigint | null;
  readonly deleted: boolean | null;
  readonly values: readonly Cell[];
}

export interface ReferenceEntity {
  readonly keys: readonly Cell[];
  readonly at: bigint | null;
}

export interface ReferenceView {
  readonly rows: readonly ReferenceRow[];
  readonly ttl: bigint | undefined;
  readonly hasCreated: boolean;
  /** Whether rows count only once they were created. */
  readonly bitemporal: boolean;
}

/** For each entity row its winner, a tombstone perhaps; undefined where nothing qualifies. */
export function referenceJoin(entities: readonly ReferenceEntity[], view: ReferenceView): (ReferenceRow | undefined)[] {
  return entities.map((entity) => {
    let winner: ReferenceRow | undefined;
    for (const row of view.rows) {
      if (!qualifies(row, entity, view)) continue;
      if (winner === undefined || compareRows(row, winner, view.hasCreated) > 0) winner = row;
    }
    return winner;
  });
}

/** Whether an entity row sees a row at all. */
function qualifies(row: ReferenceRow, { keys, at }: ReferenceEntity, view: ReferenceView): boolean {
  if (at === null || row.event === null || row.event > at) return false;
  if (row.keys.some((key, i) => key === null || key !== keys[i])) return false;
  if (view.ttl !== undefined && row.event < at - view.ttl) return false;
  return !view.bitemporal || (row.created !== null && row.created <= at);
}

/** Positive if `a` wins over `b`: event time, created time, tombstone, then value by value; null is least everywhere. */
export function compareRows(a: ReferenceRow, b: ReferenceRow, hasCreated: boolean): number {
  return (
    compareCells(a.event, b.event) ||
    (hasCreated ? compareCells(a.created, b.created) : 0) ||
    Number(a.deleted === true) - Number(b.deleted === true) ||
    compareLists(a.values, b.values)
  );
}

/** Compares cell by cell; null is least. */
export function compareLists(a: readonly Cell[], b: readonly Cell[]): number {
  return a.reduce<number>((order, value, i) => order || compareCells(value, b[i]!), 0);
}

function compareCells(a: Cell, b: Cell): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  if (typeof a === "string" || typeof b === "string")
    return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
  if (typeof a === "bigint" || typeof b === "bigint") return a < b ? -1 : Number(a > b);
  return compareFloats(a, b);
}

/** NaN is greatest, as in DuckDB and in every total order of floats. */
function compareFloats(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : Number(a > b);
}
