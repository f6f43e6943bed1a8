import type { FeatureView } from "@larder/schema";
import type { Call } from "../call.ts";
import { hashKey, type RowFault, rowFaults } from "../diagnostics.ts";
import {
  isRow,
  isTombstone,
  type RowBytes,
  RowCheck,
  type RowReader,
  readEventTime,
  readFingerprint,
  rowBytes,
} from "../row/row-reader.ts";
import type { RowSlices } from "../row-store.ts";
import type { SchemaRegistry } from "../schema-registry.ts";
import { FieldStatus } from "./feature-batch.ts";
import type { EntityKeys, PlanView, ReadPlan } from "./read-plan.ts";
import type { ViewCells } from "./view-cells.ts";

/** What {@link checkCells} works on. */
export interface CheckCellsInput {
  readonly plan: ReadPlan;
  readonly keys: EntityKeys;
  readonly slices: RowSlices;
  readonly call: Call;
  /** Logical now, microseconds. */
  readonly now: number;
  /** The reader of rows with a fingerprint, where it is known. */
  readonly readerOf: (view: FeatureView, fingerprint: number) => RowReader | undefined;
  readonly onlineTtl: (view: FeatureView) => number | undefined;
}

/**
 * Decides the status of every row of a read and checks its bytes, so that values can be read later without bounds checks. Schemas that other
 * processes wrote are fetched once.
 */
export async function checkCells(input: CheckCellsInput, schemas: SchemaRegistry): Promise<readonly ViewCells[]> {
  const unknown = new Set<number>();
  let cells = judgeCells(input, unknown);
  if (unknown.size > 0) {
    await schemas.load(unknown, input.call);
    cells = judgeCells(input, unknown);
  }
  if (rowFaults.hasSubscribers) reportFaults(input, cells);
  return cells;
}

/** The same without a look into the store: a row whose reader is not known is INVALID, and its fingerprint goes into `unknown`. */
export function judgeCells(input: CheckCellsInput, unknown: Set<number>): readonly ViewCells[] {
  const { plan, keys, slices } = input;
  const groupStart: number[] = [];
  let cell = 0;
  for (const group of plan.groups) {
    groupStart.push(cell);
    cell += keys.rowCount * group.views.length;
  }
  const bytes = wrap(slices);
  return plan.views.map((planView) => checkView(input, planView, groupStart[planView.group] as number, bytes, unknown));
}

function checkView(
  { plan, keys, slices, now, readerOf, onlineTtl }: CheckCellsInput,
  { view, group, position }: PlanView,
  start: number,
  bytes: readonly (RowBytes | undefined)[],
  unknown: Set<number>,
): ViewCells {
  const { rowCount } = keys;
  const stride = plan.groups[group]?.views.length ?? 1;
  const ttl = onlineTtl(view);
  const status = new Uint8Array(rowCount);
  const plain = new Uint8Array(rowCount);
  const offsets = new Int32Array(rowCount);
  const lengths = new Int32Array(rowCount);
  const cellBytes: (RowBytes | undefined)[] = new Array(rowCount);
  const readers: (RowReader | undefined)[] = new Array(rowCount);
  let spans = new Int32Array(0);
  let spanStride = 0;
  let fingerprint = -1;
  let reader: RowReader | undefined;
  let plainReader: RowReader | undefined;

  for (let row = 0; row < rowCount; row++) {
    const cell = start + row * stride + position;
    const length = slices.lengths[cell] as number;
    if (length < 0) {
      status[row] = FieldStatus.NOT_FOUND;
      continue;
    }
    const at = slices.offsets[cell] as number;
    const rowBytes = bytes[cell] as RowBytes;
    if (!isRow(rowBytes.view, at, length)) {
      status[row] = FieldStatus.INVALID;
      continue;
    }
    if (readFingerprint(rowBytes.view, at) !== fingerprint) {
      fingerprint = readFingerprint(rowBytes.view, at);
      reader = readerOf(view, fingerprint);
    }
    if (reader === undefined) {
      unknown.add(fingerprint);
      status[row] = FieldStatus.INVALID;
      continue;
    }
    readers[row] = reader;
    status[row] =
      reader.foreign || isTombstone(rowBytes.view, at)
        ? FieldStatus.NOT_FOUND
        : ageStatus(view, ttl, readEventTime(rowBytes.view, at), now);
    if (status[row] === FieldStatus.NOT_FOUND) continue;
    if (reader.variableCount * 2 > spanStride) {
      spans = widened(spans, spanStride, reader.variableCount * 2, rowCount);
      spanStride = reader.variableCount * 2;
    }
    const check = reader.check(rowBytes, at, length, spans, row * spanStride);
    if (check === RowCheck.BROKEN) status[row] = FieldStatus.INVALID;
    if (check === RowCheck.COMPLETE && status[row] === FieldStatus.PRESENT) {
      plainReader ??= reader;
      if (reader === plainReader) plain[row] = 1;
    }
    offsets[row] = at;
    lengths[row] = length;
    cellBytes[row] = rowBytes;
  }
  return { status, plain, plainReader, bytes: cellBytes, offsets, lengths, readers, spans, spanStride };
}

/** Rule 4: the boundary itself is PRESENT; past keep_stale a row is gone, whether or not the backend has dropped it yet. */
export function ageStatus(view: FeatureView, ttl: number | undefined, eventTime: number, now: number): FieldStatus {
  if (ttl === undefined || now <= eventTime + ttl) return FieldStatus.PRESENT;
  return now <= eventTime + ttl + view.keepStale ? FieldStatus.OUTSIDE_MAX_AGE : FieldStatus.NOT_FOUND;
}

function reportFaults({ plan, keys, call }: CheckCellsInput, cells: readonly ViewCells[]): void {
  for (const [index, { status, readers }] of cells.entries()) {
    if (!readers.some(isOdd) && !status.includes(FieldStatus.INVALID)) continue;
    const { view, group } = plan.views[index] as PlanView;
    const asked = plan.columns.filter((column) => column.view === index).map((column) => column.ref.feature.name);
    for (let row = 0; row < keys.rowCount; row++) {
      const reader = readers[row];
      const invalid = status[row] === FieldStatus.INVALID;
      const features = asked.filter((name) => reader?.retyped.includes(name));
      if (!invalid && features.length === 0 && reader?.foreign !== true) continue;
      rowFaults.publish({
        kind: invalid ? "invalid" : "schema_mismatch",
        project: plan.project,
        tenant: call.tenant,
        view: view.name,
        keyHash: hashKey(keys.groups[group]?.[row] ?? ""),
        features,
      } satisfies RowFault);
    }
  }
}

/** Rows of it may be faults, whatever their bytes. */
function isOdd(reader: RowReader | undefined): boolean {
  return reader !== undefined && (reader.foreign || reader.retyped.length > 0);
}

function wrap({ buffers }: RowSlices): (RowBytes | undefined)[] {
  let last: Uint8Array | undefined;
  let wrapped: RowBytes | undefined;
  const all: (RowBytes | undefined)[] = new Array(buffers.length);
  for (let cell = 0; cell < buffers.length; cell++) {
    const buffer = buffers[cell];
    if (buffer === undefined) continue;
    if (buffer !== last) {
      last = buffer;
      wrapped = rowBytes(buffer);
    }
    all[cell] = wrapped;
  }
  return all;
}

function widened(spans: Int32Array, from: number, to: number, rowCount: number): Int32Array<ArrayBuffer> {
  const wide = new Int32Array(rowCount * to);
  if (from > 0)
    for (let row = 0; row < rowCount; row++) wide.set(spans.subarray(row * from, (row + 1) * from), row * to);
  return wide;
}
