import type { KafkaRecord, SeededRandom } from "@larder/testkit";

/** Which views read which topic: two read `moves`, and one of them reads `orders`, too. */
export const READERS = { moves: ["position", "profile"], orders: ["orders", "profile"] } as const;
export const TOPICS = ["moves", "orders"] as const;
export const VIEWS = ["position", "profile", "orders"] as const;
export const TENANTS = ["default", "acme"] as const;
export const CUSTOMERS = 60;

/** The order of a row among those of its entity: it is newer by event time, then by created time. Milliseconds of the epoch. */
export interface Version {
  readonly event: number;
  readonly created: number;
}

/** What one record tells. No two tell of the same times, but for a record that is sent again. */
export interface Fact extends Version {
  /** The fact's number, which is the value of its rows: whoever reads one knows of which fact it is. */
  readonly n: number;
  readonly topic: (typeof TOPICS)[number];
  readonly tenant: (typeof TENANTS)[number];
  readonly customer: number;
  readonly deleted: boolean;
}

/**
 * Facts as they arrive: most newer than those before, some late, some corrected later under the same event time, some deleted, and of those of `moves`
 * some sent again. No fact of `orders` is: what meets itself in the store there was read twice.
 */
export class Events {
  readonly #random: SeededRandom;
  readonly #start: number;
  readonly #facts: Fact[] = [];

  /** `start`: the earliest event time. */
  constructor(random: SeededRandom, start: number) {
    this.#random = random;
    this.#start = start;
  }

  get facts(): readonly Fact[] {
    return this.#facts;
  }

  next(): Fact {
    const random = this.#random;
    const kind = random.integer(0, 99);
    const earlier = this.#facts[Math.max(0, this.#facts.length - random.integer(1, 2_000))];
    if (kind < 10 && earlier?.topic === "moves") return earlier;
    const n = this.#facts.length;
    // Ten seconds of event time in a slot: the times below it are those of deletions, whose event time is their created time.
    const slot = Math.max(0, Math.floor(n / 20) - random.integer(0, kind < 25 ? 300 : 3));
    const at = this.#start + slot * 10_000;
    const deleted = kind >= 93;
    const corrected = kind < 35 && earlier !== undefined && !earlier.deleted ? earlier : undefined;
    const { topic, tenant, customer, event } = corrected ?? {
      topic: random.pick(TOPICS),
      tenant: random.pick(TENANTS),
      customer: random.integer(1, CUSTOMERS),
      event: deleted ? at + 1 + (n % 9_999) : at,
    };
    const created = deleted ? event : this.#start + CREATED_AFTER_MS + n;
    const fact = { n, topic, tenant, customer, event, created, deleted };
    this.#facts.push(fact);
    return fact;
  }
}

/** Later than any event of a run, so that a created time says in which order facts were made up. */
const CREATED_AFTER_MS = 20 * 86_400_000;

/** The record of a fact. */
export function recordOf({ n, tenant, customer, event, created, deleted }: Fact): KafkaRecord {
  const times = { event_timestamp: new Date(event).toISOString(), created: new Date(created).toISOString() };
  return {
    key: JSON.stringify({ customer_id: customer }),
    value: deleted ? null : JSON.stringify({ customer_id: customer, n, note: noteOf(tenant, customer, n), ...times }),
    timestamp: created,
    headers: { tenant },
  };
}

/** Text that belongs to one fact. */
export function noteOf(tenant: string, customer: number, n: number): string {
  return `${tenant}/${customer}#${n}`.repeat(1 + (n % 5));
}

/** Names a row. */
export function ownerOf(tenant: string, view: string, customer: number): string {
  return `${tenant}/${view}/${customer}`;
}

export function compareVersions(a: Version, b: Version): number {
  return a.event - b.event || a.created - b.created;
}

/** What the store must hold in the end: of each row the newest fact, whatever happened on the way. */
export function foldOf(facts: readonly Fact[]): ReadonlyMap<string, Fact> {
  const newest = new Map<string, Fact>();
  for (const fact of facts) {
    for (const view of READERS[fact.topic]) {
      const owner = ownerOf(fact.tenant, view, fact.customer);
      const best = newest.get(owner);
      if (best === undefined || compareVersions(fact, best) > 0) newest.set(owner, fact);
    }
  }
  return newest;
}
