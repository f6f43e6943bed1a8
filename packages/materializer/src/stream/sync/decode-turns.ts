import { setImmediate as turn } from "node:timers/promises";

/** Longest decoding in one turn, in milliseconds. */
const TURN_MS = 3;

/** So many rows that wait to be written are enough: more would be memory, and keep the process from the answers that it waits for. */
const ENOUGH_ROWS = 4_000;

/** A turn comes at the latest after so long: rows that nobody writes now must not keep others from being decoded. Milliseconds. */
const LATEST_MS = 50;

/** Shares the process between the partitions that decode, and leaves most of it to what is written: one decodes at a time, and input and output go first. */
export class DecodeTurns {
  readonly #rowsWaiting: () => number;
  #last: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};

  /** `rowsWaiting`: how many rows are decoded and wait to be written. */
  constructor(rowsWaiting: () => number) {
    this.#rowsWaiting = rowsWaiting;
  }

  /** Resolves when it is the caller's turn, with the end of it, in milliseconds of `performance.now()`. */
  async take(): Promise<number> {
    const before = this.#last;
    const mine = before.then(() => this.#next());
    this.#last = mine;
    await mine;
    return performance.now() + TURN_MS;
  }

  /** Rows were written. */
  written(): void {
    this.#wake();
  }

  async #next(): Promise<void> {
    await turn();
    if (this.#rowsWaiting() < ENOUGH_ROWS) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, LATEST_MS);
      this.#wake = () => {
        if (this.#rowsWaiting() >= ENOUGH_ROWS) return;
        clearTimeout(late);
        resolve();
      };
    });
    this.#wake = () => {};
  }
}
