/** When a failed request is sent again. */
export interface RetryOptions {
  /** Most times one call is sent. Default 3; 1 sends nothing twice. */
  readonly attempts?: number;
  /**
   * Retries that may be outstanding when a server is away. Default 10: each failed attempt takes one, each success gives a tenth back, and
   * while half of them or fewer are left no call is retried, so that a server in trouble is not met with three times the load.
   */
  readonly budget?: number;
}

/** What a success gives back, of the one that a failure takes. */
const REFILL = 0.1;

const FIRST_WAIT_MS = 25;
const LONGEST_WAIT_MS = 1000;

/** The retry throttling of gRPC (proposal A6): one per client, over all its calls. */
export class RetryPolicy {
  readonly #attempts: number;
  readonly #budget: number;
  #tokens: number;

  constructor({ attempts = 3, budget = 10 }: RetryOptions) {
    this.#attempts = attempts;
    this.#budget = budget;
    this.#tokens = budget;
  }

  succeeded(): void {
    this.#tokens = Math.min(this.#budget, this.#tokens + REFILL);
  }

  /**
   * Counts a failed attempt (the first is 1), and says how long to wait before the next in milliseconds; undefined: there is none. The server's own
   * `retryAfterMs` stands; otherwise anything up to a bound that doubles, so that callers who failed together do not come back together.
   */
  failed(attempt: number, retryAfterMs: number | undefined): number | undefined {
    this.#tokens = Math.max(0, this.#tokens - 1);
    if (attempt >= this.#attempts || this.#tokens <= this.#budget / 2) return undefined;
    return retryAfterMs ?? Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  }
}
