import { compareVersions, type Fact, ownerOf, READERS, type Version } from "./events.ts";

/**
 * What one reader saw, judged as it comes: a row is never older than what was read before, a row that is gone was deleted no earlier than what was read
 * before, only what somebody has sent can be read, and offsets that were committed never move back.
 */
export class History {
  readonly broken: string[] = [];
  /** Rows that were read and judged. */
  rows = 0;
  readonly #sent = new Map<string, Map<number, Fact>>();
  readonly #lastDeletion = new Map<string, Version>();
  readonly #read = new Map<string, Version>();
  readonly #committed = new Map<string, bigint>();

  /** A record of a fact is about to be sent. */
  sent(fact: Fact): void {
    for (const view of READERS[fact.topic]) {
      const owner = ownerOf(fact.tenant, view, fact.customer);
      const facts = this.#sent.get(owner) ?? new Map<number, Fact>();
      this.#sent.set(owner, facts.set(fact.n, fact));
      const last = this.#lastDeletion.get(owner);
      if (fact.deleted && (last === undefined || compareVersions(fact, last) > 0)) this.#lastDeletion.set(owner, fact);
    }
  }

  /** A row was read, by the number that is its value. */
  found(owner: string, n: number): void {
    const fact = this.#sent.get(owner)?.get(n);
    if (fact === undefined) this.broken.push(`${owner} is ${n}, which nobody sent`);
    else this.version(owner, fact);
  }

  /** A row's times were read, those of a deletion among them. */
  version(owner: string, version: Version): void {
    this.rows++;
    const before = this.#read.get(owner);
    if (before !== undefined && compareVersions(version, before) < 0) {
      this.broken.push(`${owner} was ${textOf(before)} and then ${textOf(version)}`);
    } else this.#read.set(owner, version);
  }

  /** A read found nothing. */
  absent(owner: string): void {
    this.rows++;
    const before = this.#read.get(owner);
    const deleted = this.#lastDeletion.get(owner);
    if (before === undefined || (deleted !== undefined && compareVersions(deleted, before) >= 0)) return;
    this.broken.push(`${owner} was ${textOf(before)} and then nothing, though nobody deleted it`);
  }

  /** The group's offset of a partition was asked for. A broker that has just come back may say -1, that it knows of none: that moves nothing. */
  committed(partition: string, offset: bigint): void {
    if (offset < 0n) return;
    const before = this.#committed.get(partition) ?? -1n;
    if (offset < before) this.broken.push(`the offset of ${partition} was ${before} and then ${offset}`);
    else this.#committed.set(partition, offset);
  }
}

function textOf({ event, created }: Version): string {
  return `${event}/${created}`;
}
