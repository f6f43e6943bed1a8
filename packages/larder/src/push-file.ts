import { decodeRecord, type SourceRecord, writeRows } from "@larder/materializer";
import {
  type Clock,
  type DecodedRow,
  type Definitions,
  type FeatureRow,
  type FeatureView,
  findTenant,
  findView,
  LarderError,
  type Problem,
} from "@larder/schema";
import type { OnlineStore } from "@larder/store-core";
import type { FileRow } from "./file-row.ts";
import { openFileRows } from "./open-file-rows.ts";

/** What to push. */
export interface PushFileRequest {
  readonly view: string;
  /** Absolute path of an .ndjson, .jsonl or .parquet file. */
  readonly file: string;
  readonly tenant: string;
  readonly signal?: AbortSignal | undefined;
  /** Told how many rows have been written. */
  readonly onProgress?: ((rows: number) => void) | undefined;
}

/** What became of the rows of a file. */
export interface PushFileReport {
  readonly view: string;
  readonly rows: number;
  readonly applied: number;
  readonly duplicate: number;
  readonly stale: number;
  readonly expired: number;
  readonly conflict: number;
  /** Columns of the file that the view does not read. */
  readonly ignoredColumns: readonly string[];
}

/** Rows per write: memory stays bounded. */
const CHUNK_ROWS = 1_000;

/** Problems listed in one error; the others are counted. */
const MAX_PROBLEMS = 100;

/** Column names remembered; a file whose every line has other columns must not fill the memory. */
const MAX_COLUMNS = 1_000;

/**
 * Writes the rows of a file to one view. The file is read twice: first every row is checked, then all are written, so that a file with a bad row
 * changes nothing.
 * @throws INVALID_ROWS with up to 100 problems by line; SOURCE_NOT_FOUND, SOURCE_UNREADABLE, UNKNOWN_VIEW, UNKNOWN_TENANT, USAGE
 */
export async function pushFile(
  parts: { readonly definitions: Definitions; readonly store: OnlineStore; readonly clock: Clock },
  request: PushFileRequest,
): Promise<PushFileReport> {
  const { tenant, signal } = request;
  findTenant(parts.definitions, tenant);
  const view = findView(parts.definitions, request.view);
  const read = await openFileRows({ definitions: parts.definitions, view, file: request.file, signal });
  const columns = await checkRows(view, read(), parts.clock);
  const counts = { rows: 0, applied: 0, duplicate: 0, stale: 0, expired: 0, conflict: 0 };
  for await (const rows of chunks(decodedRows(view, read(), parts.clock))) {
    const result = await writeRows({ store: parts.store, view, tenant, signal }, rows);
    counts.rows += rows.length;
    for (const key of ["applied", "duplicate", "stale", "expired", "conflict"] as const) counts[key] += result[key];
    request.onProgress?.(counts.rows);
  }
  return { view: view.name, ...counts, ignoredColumns: view.rowDecoder.unknownColumns(columns) };
}

/** Decodes every row and answers the columns of the file. @throws INVALID_ROWS */
async function checkRows(view: FeatureView, rows: AsyncIterable<FileRow>, clock: Clock): Promise<readonly string[]> {
  const columns = new Set<string>();
  const problems: Problem[] = [];
  let total = 0;
  let invalid = 0;
  for await (const row of rows) {
    total++;
    const decoded = decodeFileRow(view, row, clock);
    if ("record" in row && isRecord(row.record)) addColumns(columns, row.columns ?? Object.keys(row.record));
    if (decoded.ok) continue;
    invalid++;
    if (problems.length < MAX_PROBLEMS) problems.push(...decoded.problems.slice(0, MAX_PROBLEMS - problems.length));
  }
  if (invalid === 0) return [...columns];
  throw new LarderError("INVALID_ROWS", {
    what: `${invalid} of ${total} rows for feature view "${view.name}" cannot be taken; nothing was written`,
    remedy: "Correct the rows and push the file again",
    facts: { view: view.name, rows: total, invalid },
    problems,
  });
}

/** The rows of a file that was checked. @throws INVALID_ROWS when the file is no longer the one that was checked */
async function* decodedRows(view: FeatureView, rows: AsyncIterable<FileRow>, clock: Clock): AsyncGenerator<FeatureRow> {
  for await (const row of rows) {
    const decoded = decodeFileRow(view, row, clock);
    if (!decoded.ok) {
      throw new LarderError("INVALID_ROWS", {
        what: `The file changed while it was pushed: ${row.place} was fine and cannot be taken now`,
        remedy:
          "Push it again when nothing writes to it; rows before this one were written, which repeating does not harm",
        facts: { view: view.name, place: row.place },
        problems: decoded.problems,
      });
    }
    yield decoded.row;
  }
}

function decodeFileRow(view: FeatureView, row: FileRow, clock: Clock): DecodedRow {
  if ("problem" in row) return { ok: false, problems: [row.problem] };
  if (isRecord(row.record)) return decodeRecord(view, row.record, row.place, clock.now());
  const problem = {
    place: row.place,
    field: "",
    what: "is no JSON object",
    remedy: "Write one object of columns per line",
  };
  return { ok: false, problems: [problem] };
}

async function* chunks(rows: AsyncIterable<FeatureRow>): AsyncGenerator<readonly FeatureRow[]> {
  let chunk: FeatureRow[] = [];
  for await (const row of rows) {
    chunk.push(row);
    if (chunk.length < CHUNK_ROWS) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

function addColumns(columns: Set<string>, names: readonly string[]): void {
  for (const name of names) if (columns.size < MAX_COLUMNS) columns.add(name);
}

function isRecord(value: unknown): value is SourceRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
