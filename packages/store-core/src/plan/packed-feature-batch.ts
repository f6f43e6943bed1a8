import type { FeatureValue } from "@larder/schema";
import { State } from "../row/row-layout.ts";
import {
  isNumeric,
  type RowBytes,
  type RowReader,
  readCreatedTime,
  readEventTime,
  readFixed,
  readState,
  readVariable,
} from "../row/row-reader.ts";
import { type FeatureBatch, FieldStatus, type RowSource } from "./feature-batch.ts";
import type { PlanColumn, ReadPlan } from "./read-plan.ts";

/** The rows one view contributed to a read, checked: index = entity row. */
export interface ViewCells {
  /** PRESENT, NOT_FOUND, OUTSIDE_MAX_AGE or INVALID, of the row as a whole. */
  readonly status: Uint8Array;
  readonly bytes: readonly (RowBytes | undefined)[];
  /** Where the row starts in its bytes. */
  readonly offsets: Int32Array;
  readonly readers: readonly (RowReader | undefined)[];
  /** (start, length) pairs of variable values, `spanStride` numbers per row. */
  readonly spans: Int32Array;
  readonly spanStride: number;
}

/** A batch over packed rows. Every row in `cells` whose status is PRESENT or OUTSIDE_MAX_AGE has passed its reader's check. */
export function createPackedBatch(
  plan: ReadPlan,
  rowCount: number,
  cells: readonly ViewCells[],
  options: { readonly allowStale: boolean; readonly readAt: number },
): FeatureBatch {
  return new PackedFeatureBatch(plan, rowCount, cells, options.allowStale, options.readAt);
}

class PackedFeatureBatch implements FeatureBatch {
  readonly plan: ReadPlan;
  readonly rowCount: number;
  readonly degraded = false;
  readonly #cells: readonly ViewCells[];
  readonly #allowStale: boolean;
  readonly #readAt: number;

  constructor(plan: ReadPlan, rowCount: number, cells: readonly ViewCells[], allowStale: boolean, readAt: number) {
    this.plan = plan;
    this.rowCount = rowCount;
    this.#cells = cells;
    this.#allowStale = allowStale;
    this.#readAt = readAt;
  }

  status(row: number, column: number): FieldStatus {
    const { view, ref } = this.plan.columns[column] as PlanColumn;
    const cells = this.#cells[view] as ViewCells;
    const status = cells.status[row] as FieldStatus;
    if (status !== FieldStatus.PRESENT && status !== FieldStatus.OUTSIDE_MAX_AGE) return status;
    const field = cells.readers[row]?.fields[ref.feature.index];
    if (field === undefined) return FieldStatus.NOT_FOUND;
    const state = readState(cells.bytes[row] as RowBytes, cells.offsets[row] as number, field);
    if (state === State.ABSENT) return FieldStatus.NOT_FOUND;
    return state === State.NULL && status === FieldStatus.PRESENT ? FieldStatus.NULL_VALUE : status;
  }

  value(row: number, column: number): FeatureValue {
    const { view, ref } = this.plan.columns[column] as PlanColumn;
    const cells = this.#cells[view] as ViewCells;
    if (!this.#readable(cells.status[row] as FieldStatus)) return null;
    const field = cells.readers[row]?.fields[ref.feature.index];
    if (field === undefined) return null;
    const bytes = cells.bytes[row] as RowBytes;
    const at = cells.offsets[row] as number;
    if (readState(bytes, at, field) !== State.VALUE) return null;
    if (field.fixedOffset >= 0) {
      // The slot's offset is relative to the row.
      return readFixed(bytes, at, field);
    }
    const span = row * cells.spanStride + 2 * field.variable;
    return readVariable(bytes, cells.spans[span] as number, cells.spans[span + 1] as number, field);
  }

  fillFloat32(column: number, out: Float32Array, offset: number, stride: number): void {
    const { view, ref } = this.plan.columns[column] as PlanColumn;
    const { status, bytes, offsets, readers } = this.#cells[view] as ViewCells;
    const index = ref.feature.index;
    const float32 = ref.feature.type === "float32";
    if (!isNumeric(ref.feature.type)) throw new TypeError(`${ref.feature.name} is ${ref.feature.type}, not a number`);
    let to = offset;
    for (let row = 0; row < this.rowCount; row++, to += stride) {
      const field = this.#readable(status[row] as FieldStatus) ? readers[row]?.fields[index] : undefined;
      if (field === undefined) {
        out[to] = Number.NaN;
        continue;
      }
      const rowBytes = bytes[row] as RowBytes;
      const at = offsets[row] as number;
      if (readState(rowBytes, at, field) !== State.VALUE) out[to] = Number.NaN;
      else if (float32) out[to] = rowBytes.view.getFloat32(at + field.fixedOffset, true);
      else out[to] = Number(readFixed(rowBytes, at, field));
    }
  }

  eventTime(row: number, view: number): number | undefined {
    const cells = this.#cells[view] as ViewCells;
    return this.#hasRow(cells, row)
      ? readEventTime(cells.bytes[row] as RowBytes, cells.offsets[row] as number)
      : undefined;
  }

  createdTime(row: number, view: number): number | undefined {
    const cells = this.#cells[view] as ViewCells;
    return this.#hasRow(cells, row)
      ? readCreatedTime(cells.bytes[row] as RowBytes, cells.offsets[row] as number)
      : undefined;
  }

  source(): RowSource {
    return "store";
  }

  readAt(): number {
    return this.#readAt;
  }

  #readable(status: FieldStatus): boolean {
    return status === FieldStatus.PRESENT || (status === FieldStatus.OUTSIDE_MAX_AGE && this.#allowStale);
  }

  #hasRow(cells: ViewCells, row: number): boolean {
    return cells.status[row] === FieldStatus.PRESENT || cells.status[row] === FieldStatus.OUTSIDE_MAX_AGE;
  }
}
