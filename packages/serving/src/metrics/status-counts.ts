import type { FieldStatus } from "@larder/store-core";

/** How many status numbers there are; FieldStatus runs from 0 to 4. */
const STATUSES = 5;

/** Counts statuses per view of a plan without an object per value; one per request. */
export class StatusCounts {
  readonly #counts: Uint32Array;

  constructor(views: number) {
    this.#counts = new Uint32Array(views * STATUSES);
  }

  add(view: number, status: FieldStatus, count = 1): void {
    const at = view * STATUSES + status;
    this.#counts[at] = (this.#counts[at] as number) + count;
  }

  get(view: number, status: number): number {
    return this.#counts[view * STATUSES + status] as number;
  }
}
