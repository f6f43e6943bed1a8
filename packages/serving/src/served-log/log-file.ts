import type { ErasedEntities, ReadPlan } from "@larder/store-core";
import type { LogShape, LogValue } from "./log-shape.ts";

/** Whose a row is, kept beside it until it is written: by then the entity may be erased. */
export interface LogRowOwner {
  readonly tenant: string;
  /** Per view of the plan: the entity key, and the event time of the stored row, in microseconds. */
  readonly entityKeys: readonly string[];
  readonly eventTimes: readonly (number | undefined)[];
}

/** Rows that become one file. */
export class LogFile {
  readonly id: number;
  readonly shape: LogShape;
  readonly plan: ReadPlan;
  /** On the `performance.now()` line. */
  readonly openedAt: number;
  readonly owners: LogRowOwner[] = [];
  bytes = 0;
  #unsent: (readonly LogValue[])[] = [];

  constructor(id: number, shape: LogShape, plan: ReadPlan, openedAt: number) {
    this.id = id;
    this.shape = shape;
    this.plan = plan;
    this.openedAt = openedAt;
  }

  get tenants(): Set<string> {
    return new Set(this.owners.map(({ tenant }) => tenant));
  }

  add(values: readonly LogValue[], owner: LogRowOwner, bytes: number): void {
    this.owners.push(owner);
    this.#unsent.push(values);
    this.bytes += bytes;
  }

  get unsent(): number {
    return this.#unsent.length;
  }

  takeUnsent(): readonly (readonly LogValue[])[] {
    const rows = this.#unsent;
    this.#unsent = [];
    return rows;
  }

  /** Whether a row's entity is erased: its tenant's record covers it, and no stored row that came later says that it is a new life. */
  isErased(row: number, erased: ErasedEntities): boolean {
    if (erased.count === 0) return false;
    const { entityKeys, eventTimes } = this.owners[row] as LogRowOwner;
    let erasedAt = Number.NEGATIVE_INFINITY;
    let newest = Number.NEGATIVE_INFINITY;
    for (const [index, { view }] of this.plan.views.entries()) {
      const at = erased.erasedAt(view, entityKeys[index] as string);
      if (at === undefined) continue;
      erasedAt = Math.max(erasedAt, at);
      newest = Math.max(newest, eventTimes[index] ?? newest);
    }
    return newest <= erasedAt && erasedAt !== Number.NEGATIVE_INFINITY;
  }
}

/** What a row takes in memory, roughly: values, and what keeps them together. */
export function estimateBytes(values: readonly LogValue[]): number {
  let bytes = 200;
  for (const value of values) bytes += sizeOf(value);
  return bytes;
}

function sizeOf(value: LogValue): number {
  if (typeof value === "string") return 24 + value.length;
  if (typeof value !== "object" || value === null) return 16;
  if (value instanceof Uint8Array) return 100 + value.byteLength;
  return value.reduce<number>((sum, item) => sum + sizeOf(item), 32);
}
