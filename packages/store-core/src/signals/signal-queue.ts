import type { LarderError } from "@larder/schema";
import { aborted, type Call, timedOut } from "../call.ts";
import type { FreshnessSignal, Subscription } from "./signals.ts";

/** Signals that wait for a subscriber at most; about as many bytes as 1,000 full signals have: 16 MB. */
const MAX_WAITING = 1_000;

type Result = IteratorResult<FreshnessSignal, undefined>;

/**
 * The bounded queue behind a subscription. A subscriber that takes longer than signals come in loses what waits, and gets what `afterOverflow` says
 * in its place. It ends by `end`, by `fail` (once what waits is taken), and by the signal and the deadline of its call.
 */
export class SignalQueue implements Subscription {
  readonly #afterOverflow: () => readonly FreshnessSignal[];
  readonly #whenDone: () => void;
  #waiting: FreshnessSignal[] = [];
  #takers: { readonly resolve: (result: Result) => void; readonly reject: (error: unknown) => void }[] = [];
  #failure: LarderError | undefined;
  #done = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;

  /** For a call that has not ended. `whenDone` is called once, when nobody listens any longer. */
  constructor(
    call: Pick<Call, "signal" | "deadline">,
    afterOverflow: () => readonly FreshnessSignal[],
    whenDone: () => void,
  ) {
    this.#afterOverflow = afterOverflow;
    this.#whenDone = whenDone;
    this.#signal = call.signal;
    this.#onAbort = () => this.fail(aborted(call.signal as AbortSignal));
    call.signal?.addEventListener("abort", this.#onAbort);
    const left = call.deadline === undefined ? Number.POSITIVE_INFINITY : call.deadline - performance.now();
    // Longer than a timer can hold is as good as never.
    if (left < 2 ** 31) this.#timer = setTimeout(() => this.fail(timedOut("The subscription")), left);
  }

  push(signal: FreshnessSignal): void {
    if (this.#done) return;
    const taker = this.#takers.shift();
    if (taker !== undefined) taker.resolve({ done: false, value: signal });
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(signal);
    else this.#waiting = [...this.#afterOverflow()];
  }

  fail(error: LarderError): void {
    if (this.#done) return;
    this.#failure = error;
    this.#finish();
  }

  async next(): Promise<Result> {
    const signal = this.#waiting.shift();
    if (signal !== undefined) return { done: false, value: signal };
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      throw failure;
    }
    if (this.#done) return { done: true, value: undefined };
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  async return(): Promise<Result> {
    this.#waiting = [];
    this.#finish();
    this.#failure = undefined;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): Subscription {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#onAbort);
    for (const { resolve, reject } of this.#takers.splice(0)) {
      if (this.#failure === undefined) {
        resolve({ done: true, value: undefined });
      } else {
        reject(this.#failure);
        this.#failure = undefined;
      }
    }
    this.#whenDone();
  }
}
