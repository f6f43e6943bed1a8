import { resolve } from "node:path";
import { hasScheme } from "@larder/schema";
import { openDuckDb } from "../offline/duckdb-session.ts";
import type { OfflineEngine } from "../offline/offline-engine.ts";
import { compareManifests, type ManifestDifferences } from "./compare-manifests.ts";
import type { RowDifferences } from "./compare-rows.ts";
import { manifestPathOf } from "./manifest.ts";
import { readWholeManifest } from "./read-manifest.ts";
import { compareSets, type NamedSet, openSetRows, type SetRows } from "./set-rows.ts";

/** Two training sets to be compared. */
export interface DiffRequest {
  /** A training set, or its manifest (`….json`). */
  readonly a: string;
  readonly b: string;
  /** An open session to use; by default one is opened and closed. */
  readonly engine?: OfflineEngine | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** In what two training sets differ, from `a` to `b`. */
export interface TrainingSetDiff extends ManifestDifferences {
  /** Whether nothing differs: definitions, settings, inputs, features, columns and rows. */
  readonly equal: boolean;
  /** Whether the manifests say the same of the output's bytes; rows may be equal where these are not. */
  readonly bytes_equal: boolean;
  /** Columns that one side lacks. */
  readonly columns: { readonly only_a: readonly string[]; readonly only_b: readonly string[] };
  /** null where rows could not be compared, which `notices` explain. */
  readonly rows: RowDifferences | null;
  readonly notices: readonly string[];
}

/**
 * Compares two training sets by their manifests, and their rows where both are on this machine: paired by join keys and time, repeated ones in their order.
 * Where rows cannot be compared, they count as equal if the hashes of the outputs are.
 *
 * @throws INVALID_REQUEST, SOURCE_UNREADABLE, UNSUPPORTED, MISSING_DEPENDENCY, OFFLINE_FAILED, ABORTED
 */
export async function diffTrainingSets({ a, b, engine, signal }: DiffRequest): Promise<TrainingSetDiff> {
  const [setA, setB] = [await openSet(a), await openSet(b)];
  const differences = compareManifests(setA.manifest, setB.manifest);
  const [rowsA, rowsB] = [await openSetRows(setA, signal), await openSetRows(setB, signal)];
  const notices = [rowsA.notice, rowsB.notice].filter((notice) => notice !== undefined);
  const rows = await rowsOf(engine, setA, setB, rowsA, rowsB, notices, signal);
  const [outputA, outputB] = [setA.manifest.output, setB.manifest.output];
  const bytesEqual = outputA.sha256 !== null && outputA.sha256 === outputB.sha256;
  const columns = {
    only_a: outputA.columns.filter((column) => !outputB.columns.includes(column)),
    only_b: outputB.columns.filter((column) => !outputA.columns.includes(column)),
  };
  const { definitions, settings, inputs, features } = differences;
  const changes = [settings, inputs, features, columns.only_a, columns.only_b];
  const equal =
    definitions.equal &&
    changes.every(({ length }) => length === 0) &&
    (rows === null ? bytesEqual : !rowsDiffer(rows));
  return { equal, bytes_equal: bytesEqual, ...differences, columns, rows, notices };
}

/** Whether any row differs. */
function rowsDiffer({ only_a, only_b, moved, columns }: RowDifferences): boolean {
  return only_a + only_b + moved > 0 || columns.some(({ rows }) => rows > 0);
}

async function openSet(given: string): Promise<NamedSet> {
  const path = hasScheme(given) ? given : resolve(given);
  const manifest = path.endsWith(".json") ? path : manifestPathOf(path);
  return { path: manifest, manifest: await readWholeManifest(manifest) };
}

async function rowsOf(
  engine: OfflineEngine | undefined,
  a: NamedSet,
  b: NamedSet,
  rowsA: SetRows,
  rowsB: SetRows,
  notices: string[],
  signal: AbortSignal | undefined,
): Promise<RowDifferences | null> {
  if (rowsA.side === undefined || rowsB.side === undefined) return null;
  const own = engine === undefined ? await openDuckDb() : undefined;
  try {
    const of = { a: a.manifest, b: b.manifest };
    const rows = await compareSets(engine ?? own!, rowsA.side, rowsB.side, of, signal);
    if (rows === undefined) notices.push("Rows were not compared: join keys or the time are other columns.");
    return rows ?? null;
  } finally {
    await own?.close();
  }
}
