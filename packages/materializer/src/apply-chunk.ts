import type { Clock, FeatureRow, FeatureView, Problem } from "@larder/schema";
import { decodeRecord, type SourceRecord } from "./decode-record.ts";
import { latest } from "./position.ts";
import { MAX_SAMPLES, type MaterializeCounts } from "./report.ts";
import { type WriteTarget, writeRows } from "./write-rows.ts";

/** What became of a chunk. */
export interface AppliedChunk {
  readonly counts: Omit<MaterializeCounts, "nullKeys" | "nullTimes">;
  /** At most {@link MAX_SAMPLES}. */
  readonly samples: readonly Problem[];
  /** The greatest created time written, in microseconds. */
  readonly created: number | undefined;
}

/** Decodes the rows of a chunk, sets those aside that are none or are dated ahead, and writes the others. */
export async function applyChunk(
  target: WriteTarget & { readonly clock: Clock; readonly onlineTtl: number | undefined },
  records: readonly SourceRecord[],
): Promise<AppliedChunk> {
  const { view } = target;
  const now = target.clock.now();
  const rows: FeatureRow[] = [];
  const samples: Problem[] = [];
  let created: number | undefined;
  const pastTtlBefore = now - (target.onlineTtl ?? Number.POSITIVE_INFINITY);
  let pastTtl = 0;
  let refused = 0;
  for (const record of records) {
    const decoded = decodeRecord(view, record, placeOf(view, record), now);
    if (decoded.ok) {
      rows.push(decoded.row);
      created = latest(created, decoded.row.createdTime);
      if (decoded.row.eventTime < pastTtlBefore) pastTtl++;
    } else {
      refused++;
      if (samples.length < MAX_SAMPLES) samples.push(...decoded.problems.slice(0, MAX_SAMPLES - samples.length));
    }
  }
  const { applied, duplicate, stale, expired, conflict } = await writeRows(target, rows);
  const counts = { rows: records.length, applied, duplicate, stale, expired, conflict, pastTtl, refused };
  return { counts, samples, created };
}

/** Names a source row by its join keys: files hold no row numbers that a reader could look up. */
function placeOf(view: FeatureView, record: SourceRecord): string {
  const keys = view.joinKeys.map(({ name }) => `${name}=${keyText(record[name])}`);
  return [view.name, ...keys].join(" ");
}

function keyText(value: unknown): string {
  const text = value instanceof Uint8Array ? Buffer.from(value).toString("base64") : String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
