import { LarderError } from "@larder/schema";

/** Room for one join. It is given back once, when all that was for the join is gone. */
export interface JoinPlace {
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
  /** Runs `end` when the place is given back. */
  defer(end: () => Promise<void>): void;
  /** Gives the place back. Safe to repeat. */
  leave(): Promise<void>;
}

/** The joins of one process, of which at most so many are under way. A place is taken before a body is read, and so bounds what bodies take, too. */
export class HistoricalJoins {
  readonly #limit: number;
  readonly #closing = new AbortController();
  readonly #taken = new Set<Promise<void>>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Places that are taken. */
  get underWay(): number {
    return this.#taken.size;
  }

  /** @throws RATE_LIMITED where no place is left */
  enter(): JoinPlace {
    if (this.#taken.size >= this.#limit) throw tooMany(this.#limit);
    const { promise, resolve } = Promise.withResolvers<void>();
    const ends = new AsyncDisposableStack();
    ends.defer(() => {
      this.#taken.delete(promise);
      resolve();
    });
    this.#taken.add(promise);
    return {
      closing: this.#closing.signal,
      defer: (end) => ends.defer(end),
      leave: () => ends.disposeAsync(),
    };
  }

  /** Cancels every join. */
  abort(): void {
    this.#closing.abort();
  }

  /** Waits until every place was given back. */
  async ended(): Promise<void> {
    await Promise.all(this.#taken);
  }
}

function tooMany(limit: number): LarderError {
  return new LarderError("RATE_LIMITED", {
    what: `${limit === 1 ? "A join is" : `${limit} joins are`} under way, as many as this server takes at once`,
    remedy: "Wait until one has ended, and send the request again",
    facts: { limit },
  });
}
