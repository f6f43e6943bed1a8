import { seededRandom } from "@larder/testkit";

/** What a version of a row is: chosen by its number, so that whoever reads one knows what it must hold. */
export type Kind = "row" | "nulls" | "tombstone";

/** A version is its row's event time, in microseconds. */
export function kindOf(version: number): Kind {
  if (version % 7 === 0) return "tombstone";
  return version % 7 === 1 ? "nulls" : "row";
}

/** Text of 0 to 200 characters that belongs to one version of one row. */
export function fillerOf(owner: string, version: number): string {
  return `${owner}#${version}`.repeat(4).slice(0, seededRandom(version % 2 ** 31).integer(0, 200));
}

/** One row that a read answered. */
export interface ReadCell {
  /** Tenant, view and entity. */
  readonly owner: string;
  /** Event time of the row; undefined where there was none, or a tombstone. */
  readonly version: number | undefined;
  readonly source: "store" | "last_known_good";
  /** Logical time at which the store was asked for it, and at which the call ended. */
  readonly readAt: number;
  readonly endedAt: number;
}

/** A time in which a primary may have acknowledged what its replica does not have. Ends are logical times. */
interface Doubt {
  /** All that was acknowledged before it had reached the replica. */
  readonly from: number;
  /** From here on one primary is left, and all that it acknowledges is safe. */
  readonly until: number;
  /** Whether a row lay on that primary. */
  concerns(owner: string): boolean;
}

/** What a history comes to. */
export interface Verdict {
  /** What must never happen, in words; empty is good. */
  readonly broken: readonly string[];
  readonly acknowledged: number;
  /** Rows acknowledged in times of doubt, and how many of them are gone. */
  readonly inDoubt: number;
  readonly lost: number;
}

interface Known {
  readonly version: number;
  readonly at: number;
}

interface Acknowledged extends Known {
  readonly owner: string;
  readonly outcome: string;
  readonly sentAt: number;
}

/**
 * Everything that callers were told, with its time, and the judgement of it. A row is at least of the version that anybody was told of before, be
 * it by an acknowledged write (applied, duplicate or stale: the stored row is no older) or by a read; only versions that somebody tried to write
 * exist; a version is applied once.
 */
export class History {
  readonly #tries = new Map<string, Map<number, number>>();
  readonly #known = new Map<string, Known[]>();
  readonly #acknowledged: Acknowledged[] = [];
  readonly #cells: ReadCell[] = [];
  readonly #doubts: Doubt[] = [];
  readonly #broken: string[] = [];

  /** A write of a version is about to be sent. */
  tried(owner: string, version: number, at: number): void {
    const tries = entryOf(this.#tries, owner, () => new Map<number, number>());
    if (!tries.has(version)) tries.set(version, at);
  }

  /** A write was acknowledged. */
  wrote(acknowledged: Acknowledged): void {
    entryOf(this.#known, acknowledged.owner, () => []).push(acknowledged);
    this.#acknowledged.push(acknowledged);
  }

  read(cell: ReadCell): void {
    this.#cells.push(cell);
    const { owner, version, endedAt: at, source } = cell;
    if (version !== undefined && source === "store") entryOf(this.#known, owner, () => []).push({ version, at });
  }

  doubt(doubt: Doubt): void {
    this.#doubts.push(doubt);
  }

  /** Something is wrong by itself, whatever else happened. */
  broke(what: string): void {
    this.#broken.push(what);
  }

  get owners(): readonly string[] {
    return [...this.#tries.keys()];
  }

  /**
   * Judges it all. `left` tells the version that each owner's row has in the end: undefined where there is none. A row that is written once shows
   * whether it was lost; of others, only the newest version does.
   */
  judge(left: ReadonlyMap<string, number | undefined>): Verdict {
    const broken = [...this.#broken];
    const floors = new Map(
      [...this.#known].map(([owner, known]) => [
        owner,
        risingFloors(known.filter(({ at }) => this.#isSafe(owner, at))),
      ]),
    );
    for (const cell of this.#cells) {
      const wrong = this.#wrongOrder(cell, floors.get(cell.owner) ?? []);
      if (wrong !== undefined) broken.push(wrong);
    }
    let inDoubt = 0;
    let lost = 0;
    const applied = new Set<string>();
    for (const { owner, version, outcome, sentAt, at } of this.#acknowledged) {
      const safe = this.#isSafe(owner, at);
      if (outcome === "applied") {
        const row = `${owner} ${version}`;
        const floor = floorAt(floors.get(owner) ?? [], sentAt);
        if (applied.has(row)) broken.push(`${row} was applied twice`);
        if (floor !== undefined && floor >= version)
          broken.push(`${row} was applied, though ${floor} was known before`);
        if (safe) applied.add(row);
      }
      if (!safe) inDoubt++;
      if (this.#holds(owner, left.get(owner), version, Number.POSITIVE_INFINITY)) continue;
      if (safe) broken.push(`${owner} ${version}, acknowledged at ${at}, is lost: ${left.get(owner)} is left`);
      else lost++;
    }
    return { broken, acknowledged: this.#acknowledged.length, inDoubt, lost };
  }

  #wrongOrder({ owner, version, source, readAt, endedAt }: ReadCell, floors: readonly Known[]): string | undefined {
    const floor = floorAt(floors, readAt);
    const text = `${owner} read ${version} from ${source} at ${readAt}`;
    if (version !== undefined && (this.#tries.get(owner)?.get(version) ?? Number.POSITIVE_INFINITY) > endedAt) {
      return `${text}, which nobody wrote`;
    }
    return floor === undefined || this.#holds(owner, version, floor, endedAt)
      ? undefined
      : `${text}, though ${floor} was known before`;
  }

  /** Whether what was found may be there where `floor` was: it, a newer version, or nothing by a tombstone that is no older. */
  #holds(owner: string, found: number | undefined, floor: number, by: number): boolean {
    if (found !== undefined) return found >= floor;
    for (const [version, at] of this.#tries.get(owner) ?? []) {
      if (version >= floor && kindOf(version) === "tombstone" && at <= by) return true;
    }
    return false;
  }

  #isSafe(owner: string, at: number): boolean {
    return !this.#doubts.some(({ from, until, concerns }) => from <= at && at <= until && concerns(owner));
  }
}

/** By time, each with the greatest version up to it. */
function risingFloors(known: readonly Known[]): readonly Known[] {
  let greatest = 0;
  return [...known]
    .sort((a, b) => a.at - b.at)
    .map(({ version, at }) => {
      greatest = Math.max(greatest, version);
      return { version: greatest, at };
    });
}

/** The greatest version known before a time. */
function floorAt(floors: readonly Known[], time: number): number | undefined {
  let low = 0;
  let high = floors.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((floors[middle] as Known).at < time) low = middle + 1;
    else high = middle;
  }
  return floors[low - 1]?.version;
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
