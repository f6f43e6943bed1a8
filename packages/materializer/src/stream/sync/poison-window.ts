/** When poison is too much. */
export interface PoisonLimit {
  /** Share of the window's records, 0 to 1, beyond which the sync stops. */
  readonly maxShare: number;
  /** How many records the window has. */
  readonly window: number;
}

/** The share of poison among the last records of all partitions. */
export class PoisonWindow {
  readonly #limit: PoisonLimit;
  /** A ring: 1 = poison. */
  readonly #ring: Uint8Array;
  #seen = 0;
  #poison = 0;

  constructor(limit: PoisonLimit) {
    this.#limit = limit;
    this.#ring = new Uint8Array(limit.window);
  }

  /** Poison among the last records. */
  get poison(): number {
    return this.#poison;
  }

  /** Whether a whole window has been seen. */
  get full(): boolean {
    return this.#seen >= this.#limit.window;
  }

  /**
   * Takes a record in and tells whether the sync is to stop. So many poisonous ones that no others could bring a whole window below the limit
   * are enough: waiting for those would only drain more.
   */
  add(poison: boolean): boolean {
    const at = this.#seen % this.#limit.window;
    this.#poison += Number(poison) - (this.#ring[at] as number);
    this.#ring[at] = Number(poison);
    this.#seen++;
    return this.#poison > this.#limit.maxShare * this.#limit.window;
  }
}
