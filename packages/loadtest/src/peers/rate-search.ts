/** Bounds of a search. */
export interface SearchBounds {
  readonly from: number;
  readonly atMost: number;
  readonly halvings: number;
  readonly retries: number;
}

/** What a search has come to. */
export interface SearchResult {
  /** Highest rate that was held; 0 where none was. */
  readonly held: number;
  /** Lowest rate above it that was not; undefined where the highest one allowed was held. */
  readonly missed: number | undefined;
  /** False where it was ended before it was done. */
  readonly whole: boolean;
}

/** The smallest share of the first rate that is tried. */
const LEAST = 1 / 8;

/**
 * Looks for the highest rate that a server holds: the rate is doubled until one is not held, then the gap is halved, each time by the geometric
 * mean. Where the first rate is not held it is halved instead. It asks for one try at a time, so that searches can take turns.
 */
export class RateSearch {
  readonly #bounds: SearchBounds;
  #held = 0;
  #missed: number | undefined;
  #next: number | undefined;
  #retriesLeft: number;
  #halvingsLeft: number;

  constructor(bounds: SearchBounds) {
    this.#bounds = bounds;
    this.#next = bounds.from;
    this.#retriesLeft = bounds.retries;
    this.#halvingsLeft = bounds.halvings;
  }

  /** The rate to try next; undefined when the search is over. */
  get next(): number | undefined {
    return this.#next;
  }

  get result(): SearchResult {
    return { held: this.#held, missed: this.#missed, whole: this.#next === undefined };
  }

  /** Says what came of {@link next}. */
  tell(held: boolean): void {
    const rate = this.#next;
    if (rate === undefined) return;
    if (!held && this.#retriesLeft-- > 0) return;
    this.#retriesLeft = this.#bounds.retries;
    if (held) this.#held = rate;
    else this.#missed = rate;
    this.#next = this.#following();
  }

  #following(): number | undefined {
    const { from, atMost } = this.#bounds;
    if (this.#missed === undefined) return this.#held >= atMost ? undefined : Math.min(2 * this.#held, atMost);
    if (this.#held === 0) return this.#missed / 2 >= from * LEAST ? this.#missed / 2 : undefined;
    // Below the first rate nothing is gained by finer steps.
    if (this.#halvingsLeft-- <= 0 || this.#missed <= from) return undefined;
    return Math.round(Math.sqrt(this.#held * this.#missed));
  }
}
