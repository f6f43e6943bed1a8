import type { LarderError } from "@larder/schema";

/** What a sync depends on. */
export type Dependency = "store" | "commits" | "dead_letters" | "schemas";

/** What is away now. */
export interface Outage {
  readonly of: Dependency;
  readonly code: string;
}

/** Keeps who waits for what, and tells of the beginning and the end of each outage once, however many wait. */
export class Outages {
  readonly #waiting = new Map<Dependency, { readonly code: string; readonly who: Set<object> }>();
  readonly #onChange: (of: Dependency, problem: LarderError | undefined) => void;

  constructor(onChange: (of: Dependency, problem: LarderError | undefined) => void) {
    this.#onChange = onChange;
  }

  /** Somebody's call has failed and is going to be repeated. */
  failed(of: Dependency, who: object, problem: LarderError): void {
    const waiting = this.#waiting.get(of);
    if (waiting !== undefined) {
      waiting.who.add(who);
      return;
    }
    this.#waiting.set(of, { code: problem.code, who: new Set([who]) });
    this.#onChange(of, problem);
  }

  /** Somebody no longer waits: the call worked, or nobody needs it. */
  over(of: Dependency, who: object): void {
    const waiting = this.#waiting.get(of);
    if (waiting?.who.delete(who) !== true || waiting.who.size > 0) return;
    this.#waiting.delete(of);
    this.#onChange(of, undefined);
  }

  get now(): readonly Outage[] {
    return [...this.#waiting].map(([of, { code }]) => ({ of, code }));
  }
}
