import type { FeatureValue } from "@larder/schema";
import { State } from "../row/row-layout.ts";
import {
  isNumeric,
  type RowBytes,
  readCreatedTime,
  readEventTime,
  readFixed,
  readState,
  readVariable,
} from "../row/row-reader.ts";
import { type FeatureBatch, FieldStatus } from "./feature-batch.ts";
import type { PlanColumn, ReadPlan } from "./read-plan.ts";
import type { RowSource, ViewCells } from "./view-cells.ts";

/** How a batch is to be read. */
export interface BatchOptions {
  readonly allowStale: boolean;
  /** Microseconds; of rows whose cells do not say. */
  readonly readAt: number;
  readonly degraded: boolean;
}

/** A batch over packed rows. Every row in `cells` whose status is PRESENT or OUTSIDE_MAX_AGE has passed its reader's check. */
export function createPackedBatch(
  plan: ReadPlan,
  rowCount: number,
  cells: readonly ViewCells[],
  options: BatchOptions,
): FeatureBatch {
  return new PackedFeatureBatch(plan, rowCount, cells, options);
}

/** The batch of a read of no entity rows. */
export function createEmptyBatch(plan: ReadPlan, readAt: number): FeatureBatch {
  const cells = plan.views.map(() => ({
    status: new Uint8Array(0),
    plain: new Uint8Array(0),
    plainReader: undefined,
    bytes: [],
    offsets: new Int32Array(0),
    lengths: new Int32Array(0),
    readers: [],
    spans: new Int32Array(0),
    spanStride: 0,
  }));
  return createPackedBatch(plan, 0, cells, { allowStale: false, readAt, degraded: false });
}

class PackedFeatureBatch implements FeatureBatch {
  readonly plan: ReadPlan;
  readonly rowCount: number;
  readonly degraded: boolean;
  readonly cells: readonly ViewCells[];
  readonly #allowStale: boolean;
  readonly #readAt: number;
  /** By view: whether its plain rows have a value for each column; filled when first asked. */
  readonly #whole: (boolean | undefined)[] = [];

  constructor(plan: ReadPlan, rowCount: number, cells: readonly ViewCells[], options: BatchOptions) {
    this.plan = plan;
    this.rowCount = rowCount;
    this.cells = cells;
    this.degraded = options.degraded;
    this.#allowStale = options.allowStale;
    this.#readAt = options.readAt;
  }

  status(row: number, column: number): FieldStatus {
    const { view, ref } = this.plan.columns[column] as PlanColumn;
    const cells = this.cells[view] as ViewCells;
    const status = cells.status[row] as FieldStatus;
    if (status !== FieldStatus.PRESENT && status !== FieldStatus.OUTSIDE_MAX_AGE) return status;
    const field = cells.readers[row]?.fields[ref.feature.index];
    if (field === undefined) return FieldStatus.NOT_FOUND;
    const state = readState(cells.bytes[row] as RowBytes, cells.offsets[row] as number, field);
    if (state === State.ABSENT) return FieldStatus.NOT_FOUND;
    return state === State.NULL && status === FieldStatus.PRESENT ? FieldStatus.NULL_VALUE : status;
  }

  isWhole(row: number, view: number): boolean {
    return this.#plainIsWhole(view) && this.cells[view]?.plain[row] === 1;
  }

  value(row: number, column: number): FeatureValue {
    const { view, ref } = this.plan.columns[column] as PlanColumn;
    const cells = this.cells[view] as ViewCells;
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
    const { feature } = ref;
    if (!isNumeric(feature.type)) throw new TypeError(`${feature.name} is ${feature.type}, not a number`);
    const { plain, plainReader, bytes, offsets } = this.cells[view] as ViewCells;
    const field = plainReader?.fields[feature.index];
    const slot = field?.scalar === "float32" ? field.fixedOffset : 0;
    const { rowCount } = this;
    // Once per value of every prediction: the plain row takes the short way.
    for (let row = 0, to = offset; row < rowCount; row++, to += stride) {
      if (slot !== 0 && plain[row] === 1) {
        out[to] = (bytes[row] as RowBytes).view.getFloat32((offsets[row] as number) + slot, true);
      } else {
        const value = this.value(row, column);
        out[to] = value === null ? Number.NaN : Number(value);
      }
    }
  }

  eventTime(row: number, view: number): number | undefined {
    const cells = this.cells[view] as ViewCells;
    return this.#hasRow(cells, row)
      ? readEventTime((cells.bytes[row] as RowBytes).view, cells.offsets[row] as number)
      : undefined;
  }

  createdTime(row: number, view: number): number | undefined {
    const cells = this.cells[view] as ViewCells;
    return this.#hasRow(cells, row)
      ? readCreatedTime((cells.bytes[row] as RowBytes).view, cells.offsets[row] as number)
      : undefined;
  }

  source(row: number, view: number): RowSource {
    return this.cells[view]?.sources?.[row] ?? "store";
  }

  readAt(row: number, view: number): number {
    return this.cells[view]?.readAts?.[row] ?? this.#readAt;
  }

  #plainIsWhole(view: number): boolean {
    const known = this.#whole[view];
    if (known !== undefined) return known;
    const fields = this.cells[view]?.plainReader?.fields;
    const whole = this.plan.columns.every(
      (column) => column.view !== view || fields?.[column.ref.feature.index] !== undefined,
    );
    this.#whole[view] = whole;
    return whole;
  }

  #readable(status: FieldStatus): boolean {
    return status === FieldStatus.PRESENT || (status === FieldStatus.OUTSIDE_MAX_AGE && this.#allowStale);
  }

  #hasRow(cells: ViewCells, row: number): boolean {
    const status = cells.status[row];
    if (status !== FieldStatus.PRESENT && status !== FieldStatus.OUTSIDE_MAX_AGE) return false;
    // A default stands for no row.
    return cells.sources?.[row] !== "default";
  }
}
