import { isLarderError } from "@larder/schema";
import { aborted, type Call, refuseEnded, timedOut, timeLeft } from "../call.ts";
import { encodeSegment } from "../keys/segment.ts";
import type { EntityKeys, ReadPlan } from "../plan/read-plan.ts";
import type { ViewCells } from "../plan/view-cells.ts";
import type { ReadStart } from "./row-memory.ts";

/** The answer of a read that may have been somebody else's. */
export interface SharedAnswer {
  readonly cells: readonly ViewCells[];
  /** When the read began. */
  readonly started: ReadStart;
  /** Somebody else had asked. */
  readonly joined: boolean;
}

/** A read under way. */
export interface SharedRead {
  readonly started: ReadStart;
  /** How much was invalidated before it began. */
  readonly turn: number;
}

/** Single flight: of equal reads at the same time one asks, and its answer is everybody's. Each waits by its own deadline and signal. */
export class SharedReads {
  readonly #plans = new WeakMap<ReadPlan, number>();
  #planCount = 0;
  readonly #reads = new Map<string, SharedRead & { readonly cells: Promise<readonly ViewCells[]> }>();

  /**
   * Asks, or joins an equal read under way that `joins` lets in. `ask` gets the deadline of the first caller, and no signal, since others may wait
   * for the answer.
   */
  async run(
    plan: ReadPlan,
    keys: EntityKeys,
    call: Call,
    own: SharedRead,
    joins: (under: SharedRead) => boolean,
    ask: (call: Call) => Promise<readonly ViewCells[]>,
  ): Promise<SharedAnswer> {
    const id = this.#idOf(plan, keys, call.tenant);
    const under = this.#reads.get(id);
    if (under !== undefined && joins(under)) {
      try {
        return { cells: await waited(under.cells, call), started: under.started, joined: true };
      } catch (error) {
        // It may have been the deadline of the one who asked.
        if (!isLarderError(error, "STORE_TIMEOUT")) throw error;
        refuseEnded(call);
      }
    }
    const { tenant, deadline } = call;
    const cells = ask(deadline === undefined ? { tenant } : { tenant, deadline });
    const read = { ...own, cells };
    this.#reads.set(id, read);
    const done = () => {
      if (this.#reads.get(id) === read) this.#reads.delete(id);
    };
    cells.then(done, done);
    return { cells: await waited(cells, call), started: own.started, joined: false };
  }

  /** Injective: keys hold no line break, and each list is as long as the first. */
  #idOf(plan: ReadPlan, { rowCount, groups }: EntityKeys, tenant: string): string {
    let number = this.#plans.get(plan);
    if (number === undefined) {
      number = this.#planCount++;
      this.#plans.set(plan, number);
    }
    return `${number}:${rowCount}:${encodeSegment(tenant)}\n${groups.map((keys) => keys.join("\n")).join("\n")}`;
  }
}

/** Waits as long as the call does. */
async function waited<T>(answer: Promise<T>, { signal, deadline }: Call): Promise<T> {
  if (signal === undefined && deadline === undefined) return answer;
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  const ended = new Promise<never>((_, reject) => {
    if (deadline !== undefined && Number.isFinite(deadline)) {
      timer = setTimeout(() => reject(timedOut("The online store")), timeLeft(deadline));
    }
    onAbort = () => reject(aborted(signal as AbortSignal));
    signal?.addEventListener("abort", onAbort);
  });
  try {
    return await Promise.race([answer, ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
