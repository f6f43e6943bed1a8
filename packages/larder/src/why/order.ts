import { type FeatureRow, stringifyJson } from "@larder/schema";
import type { Evidence } from "./evidence.ts";

/** How a row of the source stands to the stored one. `tie`: same times and kind and other values, which the greater bytes decide. */
export type Relation = "newer" | "same" | "tie" | "older";

/** What the source has, seen from the stored row. */
export interface SourceView {
  /** Rows that are newer than the stored one, or all of them where none is stored; the newest first. */
  readonly ahead: readonly FeatureRow[];
  /** Of those, what a write would refuse, with the reason. */
  readonly refused: readonly string[];
  /** Of those, the newest that an erasure of the entity keeps away. */
  readonly keptAway: FeatureRow | undefined;
  /** The newest of those that a write would take. */
  readonly candidate: FeatureRow | undefined;
  /** The newest row that is not newer than the stored one, and how it stands to it. */
  readonly rival: { readonly row: FeatureRow; readonly relation: Relation } | undefined;
  /** The newest row that a write would take, whether or not it is newer. */
  readonly newest: FeatureRow | undefined;
}

/** Sorts the rows of the source by what becomes of them. */
export function viewOfSource({ source, stored, createdTime, erasure }: Evidence): SourceView {
  const erasedAt = erasure.kind === "erased" ? erasure.at : Number.NEGATIVE_INFINITY;
  const ahead: FeatureRow[] = [];
  const refused: string[] = [];
  let keptAway: FeatureRow | undefined;
  let candidate: FeatureRow | undefined;
  let newest: FeatureRow | undefined;
  for (const found of source.kind === "rows" ? source.rows : []) {
    if (found.kind === "refused") {
      // Its times cannot be told, but rows come in their order: it counts where nothing newer was found yet.
      if (candidate === undefined) refused.push(found.problems.map(({ field, what }) => `${field} ${what}`).join("; "));
      continue;
    }
    if (found.ahead) {
      ahead.push(found.row);
      continue;
    }
    const lives = found.row.eventTime > erasedAt;
    if (lives) newest ??= found.row;
    const relation = stored.kind === "row" ? relationOf(found.row, stored.row, createdTime) : "newer";
    if (relation !== "newer") {
      return { ahead, refused, keptAway, candidate, newest, rival: { row: found.row, relation } };
    }
    if (lives) candidate ??= found.row;
    else keptAway ??= found.row;
  }
  return { ahead, refused, keptAway, candidate, newest, rival: undefined };
}

/** Compares by the online store's rule 1, as far as it does not need bytes. `createdTime`: whether the store knows created times. */
function relationOf(row: FeatureRow, stored: FeatureRow, createdTime: boolean): Relation {
  const order =
    row.eventTime - stored.eventTime ||
    (createdTime ? createdOf(row) - createdOf(stored) || 0 : 0) ||
    Number(isDeletion(row)) - Number(isDeletion(stored));
  if (order !== 0) return order > 0 ? "newer" : "older";
  return stringifyJson(row.values ?? null) === stringifyJson(stored.values ?? null) ? "same" : "tie";
}

/** Whether a row is a tombstone. */
export function isDeletion({ values }: FeatureRow): boolean {
  return values === undefined;
}

/** From when on a row is not kept. */
export function goneAt({ life }: Evidence, { eventTime }: FeatureRow): number {
  return life.ttl === undefined ? Number.POSITIVE_INFINITY : eventTime + life.ttl + life.keepStale;
}

function createdOf({ createdTime }: FeatureRow): number {
  return createdTime ?? Number.NEGATIVE_INFINITY;
}
