import type { FeatureView } from "@larder/schema";
import { ageStatus } from "../plan/check-cells.ts";
import { FieldStatus } from "../plan/feature-batch.ts";
import type { EntityKeys, PlanView, ReadPlan } from "../plan/read-plan.ts";
import type { RowSource, ViewCells } from "../plan/view-cells.ts";
import { type RowBytes, readEventTime } from "../row/row-reader.ts";

/** Cells of some entity rows of a read. */
export interface CellPart {
  readonly cells: readonly ViewCells[];
  /** Which rows of the whole read these are. */
  readonly rows: readonly number[];
  /** When rows were read whose cells do not say. */
  readonly readAt: number;
}

/** Some entity rows of a read. */
export function takeRows(keys: EntityKeys, rows: readonly number[]): EntityKeys {
  const groups = keys.groups.map((group) => rows.map((row) => group[row] as string));
  return { rowCount: rows.length, groups };
}

/** Puts the parts of a read together. */
export function mergeCells(rowCount: number, parts: readonly CellPart[]): ViewCells[] {
  const views = parts[0]?.cells.length ?? 0;
  return Array.from({ length: views }, (_, view) => mergeView(rowCount, parts, view));
}

function mergeView(rowCount: number, parts: readonly CellPart[], view: number): ViewCells {
  const each = parts.map((part) => part.cells[view] as ViewCells);
  const spanStride = Math.max(...each.map((cells) => cells.spanStride));
  const plainReader = each.find((cells) => cells.plainReader !== undefined)?.plainReader;
  const sources: RowSource[] = new Array(rowCount);
  const merged = {
    status: new Uint8Array(rowCount),
    plain: new Uint8Array(rowCount),
    plainReader,
    bytes: new Array<RowBytes | undefined>(rowCount),
    offsets: new Int32Array(rowCount),
    lengths: new Int32Array(rowCount),
    readers: new Array<ViewCells["readers"][number]>(rowCount),
    spans: new Int32Array(rowCount * spanStride),
    spanStride,
    sources,
    readAts: new Float64Array(rowCount),
  };
  for (const [index, { rows, readAt }] of parts.entries()) {
    const cells = each[index] as ViewCells;
    for (const [from, to] of rows.entries()) {
      merged.status[to] = cells.status[from] as number;
      merged.plain[to] = cells.plainReader === plainReader ? (cells.plain[from] as number) : 0;
      merged.bytes[to] = cells.bytes[from];
      merged.offsets[to] = cells.offsets[from] as number;
      merged.lengths[to] = cells.lengths[from] as number;
      merged.readers[to] = cells.readers[from];
      const spans = cells.spans.subarray(from * cells.spanStride, (from + 1) * cells.spanStride);
      merged.spans.set(spans, to * spanStride);
      sources[to] = cells.sources?.[from] ?? "store";
      merged.readAts[to] = cells.readAts?.[from] ?? readAt;
    }
  }
  return merged;
}

/** Judges the ages of rows again, by a clock that shows more than when they were judged first. */
export function ageAgain(
  plan: ReadPlan,
  cells: readonly ViewCells[],
  now: number,
  onlineTtl: (view: FeatureView) => number | undefined,
): ViewCells[] {
  return cells.map((each, index) => {
    const { view } = plan.views[index] as PlanView;
    const ttl = onlineTtl(view);
    if (ttl === undefined) return each;
    const status = each.status.slice();
    const plain = each.plain.slice();
    for (let row = 0; row < status.length; row++) {
      const bytes = each.bytes[row];
      const judged = status[row] === FieldStatus.PRESENT || status[row] === FieldStatus.OUTSIDE_MAX_AGE;
      if (!judged || bytes === undefined) continue;
      status[row] = ageStatus(view, ttl, readEventTime(bytes.view, each.offsets[row] as number), now);
      if (status[row] !== FieldStatus.PRESENT) plain[row] = 0;
    }
    return { ...each, status, plain };
  });
}
