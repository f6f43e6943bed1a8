import { type Clock, type Definitions, LarderError } from "@larder/schema";

/** Counts requests of tenants with a limit; one per process. */
export interface RateLimit {
  /** Takes one request of a tenant out of its bucket. @throws RATE_LIMITED with the seconds until there is one again in `facts.retryAfter` */
  take(tenant: string): void;
}

/**
 * A token bucket per tenant with `requests_per_second`: it holds one second's worth, at least one request, and fills evenly. So a burst of a second's
 * requests passes, and no more than the rate goes on.
 */
export function createRateLimit({ tenants }: Pick<Definitions, "tenants">, clock: Clock): RateLimit {
  const buckets = new Map<string, Bucket>();
  for (const { name, requestsPerSecond } of tenants.values()) {
    if (requestsPerSecond !== undefined) buckets.set(name, new Bucket(requestsPerSecond, clock));
  }
  return {
    take(tenant) {
      const bucket = buckets.get(tenant);
      const wait = bucket?.take() ?? 0;
      if (bucket === undefined || wait === 0) return;
      throw new LarderError("RATE_LIMITED", {
        what: `The tenant sends more than its ${bucket.rate} requests per second`,
        remedy: "Wait the seconds in Retry-After, then send no faster",
        facts: { tenant, retryAfter: wait },
      });
    },
  };
}

const SECOND = 1_000_000;

class Bucket {
  readonly rate: number;
  readonly #size: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;

  constructor(rate: number, clock: Clock) {
    this.rate = rate;
    this.#size = Math.max(1, rate);
    this.#clock = clock;
    this.#tokens = this.#size;
    this.#filledAt = clock.now();
  }

  /** 0, or the whole seconds until there is a token. */
  take(): number {
    const now = this.#clock.now();
    // A clock that was set back fills nothing, and does not keep the bucket empty until it has caught up.
    const elapsed = Math.max(0, now - this.#filledAt);
    this.#filledAt = now;
    this.#tokens = Math.min(this.#size, this.#tokens + (elapsed * this.rate) / SECOND);
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) / this.rate);
    this.#tokens -= 1;
    return 0;
  }
}
