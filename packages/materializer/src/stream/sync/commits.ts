import { setTimeout as wait } from "node:timers/promises";
import { isLarderError, type LarderError } from "@larder/schema";
import type { EventSource, Generation, PartitionOffset } from "../event-source.ts";
import type { Lane } from "./lane.ts";
import type { Outages } from "./outages.ts";

/** What {@link Commits} works with. */
export interface CommitsParts {
  readonly source: Pick<EventSource, "commit">;
  readonly outages: Outages;
  /** Longest time that a settled record waits for its commit, in milliseconds. */
  readonly everyMs: number;
  /** So many settled records are committed earlier. */
  readonly everyRecords: number;
  /** A generation is over: the source is going to say which of its partitions are lost. */
  readonly onFenced: (problem: LarderError) => void;
}

/** Commits what is settled, for many records at once, one commit after the other. */
export class Commits {
  readonly #parts: CommitsParts;
  #settled = 0;
  #wake: () => void = () => {};
  #last: Promise<void> = Promise.resolve();

  constructor(parts: CommitsParts) {
    this.#parts = parts;
  }

  /** One record more is settled. */
  settled(): void {
    this.#settled++;
    if (this.#settled >= this.#parts.everyRecords) this.#wake();
  }

  /** Commits now and then until `signal` aborts. */
  async run(lanes: () => readonly Lane[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#due(signal);
      if (!signal.aborted) await this.commit(lanes());
    }
  }

  /** Commits what is new of these partitions; what the broker does not take now is left for the next time. */
  commit(lanes: readonly Lane[]): Promise<void> {
    const done = this.#last.then(() => this.#commit(lanes));
    this.#last = done.catch(() => {}); // whoever asked hears of it
    return done;
  }

  /** When enough is settled, or the time is up. */
  async #due(signal: AbortSignal): Promise<void> {
    const { everyMs, everyRecords } = this.#parts;
    if (this.#settled >= everyRecords) return;
    const enough = new AbortController();
    this.#wake = () => enough.abort();
    await wait(everyMs, undefined, { signal: AbortSignal.any([signal, enough.signal]) }).catch(() => {});
  }

  async #commit(lanes: readonly Lane[]): Promise<void> {
    const { source, outages, onFenced } = this.#parts;
    this.#settled = 0;
    for (const [generation, members] of byGeneration(lanes)) {
      const offsets = members.map(({ topic, partition, committable }): PartitionOffset => {
        return { topic, partition, offset: committable as bigint };
      });
      try {
        await source.commit(generation, offsets);
        for (const [index, lane] of members.entries()) lane.committed = offsets[index]?.offset;
        outages.over("commits", this);
      } catch (error) {
        // A commit that is refused moves nothing, and one that fails is made up for by the next.
        if (isLarderError(error, "STREAM_FENCED")) onFenced(error);
        else if (isLarderError(error) && error.retryable) outages.failed("commits", this, error);
        else throw error;
      }
    }
  }
}

function byGeneration(lanes: readonly Lane[]): ReadonlyMap<Generation, readonly Lane[]> {
  const groups = new Map<string, { readonly generation: Generation; readonly lanes: Lane[] }>();
  for (const lane of lanes) {
    if (lane.gone || lane.committable === undefined) continue;
    const { generation } = lane;
    const key = `${generation.id} ${generation.memberId}`;
    const group = groups.get(key) ?? { generation, lanes: [] };
    group.lanes.push(lane);
    groups.set(key, group);
  }
  return new Map([...groups.values()].map((group) => [group.generation, group.lanes]));
}
