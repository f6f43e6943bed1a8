import { LarderError } from "@larder/schema";

/** A record of a partition between its arrival and the end of all work on it. */
export interface TrackedOffset {
  readonly offset: bigint;
  readonly bytes: number;
  /** The record's own, in milliseconds of the epoch. */
  readonly time: number;
}

interface Entry extends TrackedOffset {
  settled: boolean;
}

/** Knows of one partition which records are settled, in whatever order that happens, and so which offset may be committed. */
export class OffsetTracker {
  /** In the partition's order; those before `#head` are settled and forgotten. */
  #entries: Entry[] = [];
  #head = 0;
  #bytes = 0;
  #next: bigint | undefined;
  #last: bigint | undefined;

  /** Records from the first that is not settled on, settled ones among them: each takes memory until all before it are settled. */
  get records(): number {
    return this.#entries.length - this.#head;
  }

  /** Bytes of the records that are not settled. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The offset after the last record that arrived. */
  get position(): bigint | undefined {
    return this.#last === undefined ? undefined : this.#last + 1n;
  }

  /** The next offset to read, should the process die now: every record before it is settled. undefined while none is. */
  get committable(): bigint | undefined {
    return this.#next;
  }

  /**
   * The least time of a record that is not settled; undefined when all are. Records of a partition need not be in the order of their times, nor are they
   * settled in any order, so it looks at all of them: for a status, not for each record.
   */
  get oldest(): number | undefined {
    let oldest: number | undefined;
    for (let at = this.#head; at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      if (entry?.settled === false && (oldest === undefined || entry.time < oldest)) oldest = entry.time;
    }
    return oldest;
  }

  /** @throws INTERNAL for an offset that is not after those before it */
  add(offset: bigint, bytes: number, time: number): TrackedOffset {
    if (this.#last !== undefined && offset <= this.#last) {
      throw new LarderError("INTERNAL", {
        what: `Offset ${offset} arrived after ${this.#last}`,
        remedy: "Report this: records of a partition come in its order",
      });
    }
    const entry: Entry = { offset, bytes, time, settled: false };
    this.#entries.push(entry);
    this.#bytes += bytes;
    this.#last = offset;
    return entry;
  }

  /** All work on a record has ended. Settling it again changes nothing. */
  settle(tracked: TrackedOffset): void {
    const entry = tracked as Entry;
    if (entry.settled) return;
    entry.settled = true;
    this.#bytes -= entry.bytes;
    for (let head = this.#entries[this.#head]; head?.settled === true; head = this.#entries[this.#head]) {
      this.#next = head.offset + 1n;
      this.#head++;
    }
    // Now and then, so that forgetting a record costs the same however many there are.
    if (this.#head > 1_000 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }
}
