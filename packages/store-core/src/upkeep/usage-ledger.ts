import { type Clock, type Definitions, isLarderError, LarderError, type Tenant } from "@larder/schema";
import type { Call } from "../call.ts";
import type { RowStore } from "../row-store.ts";
import { measureUsage } from "./measure-usage.ts";
import { paceOf } from "./pace.ts";
import { readRecord, UNMEASURED, type UsageRecord } from "./usage-record.ts";

/** What a {@link UsageLedger} works with. */
export interface LedgerParts {
  readonly definitions: Definitions;
  readonly rowStore: RowStore;
  readonly clock: Clock;
  /** Time that measuring takes of a client, and about of the server: a share above 0, at most 1. Default: a tenth. */
  readonly share?: number;
  /** Longest that a write or a close waits for a figure, in milliseconds. Default: 250. */
  readonly waitMs?: number;
}

/** Times of a figure, in microseconds: what others published is looked up again, a write asks for a new one, a write waits for a new one. */
const LOOK_AFTER = 2_000_000;
const MEASURE_AFTER = 60_000_000;
const WAIT_AFTER = 600_000_000;

/** Nobody is refused by a figure that is older, unless a new one takes too long. */
const REFUSE_WITHIN = 2_000_000;

/** After a failure, and between figures that only this process's own writes ask for. */
const RETRY_AFTER = 5_000_000;

/** What a row is taken to weigh where the tenant had none when it was measured. */
const ROW_BYTES = 200;

const WAIT_MS = 250;

const SHARE = 0.1;

/** Rows that were applied are counted by such spans, so that those before a figure can be told from those after it; so many at most. */
const SPAN = 1_000_000;
const MAX_SPANS = 120;

/** Knows what tenants take, as far as it was measured, by this process or another, and keeps the figure from getting old while there are writes. */
export class UsageLedger {
  readonly #parts: LedgerParts;
  readonly #ending = new AbortController();
  #record: UsageRecord = UNMEASURED;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #measuring: Promise<void> | undefined;
  /** Why there is no figure, where somebody has to act. */
  #failure: LarderError | undefined;
  /** Rows applied by this process since the figure, or a little before it, per tenant. */
  readonly #applied = new Map<string, AppliedSpan[]>();
  #doubted = false;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  /**
   * Lets a write that makes a tenant grow go on.
   * @throws QUOTA_EXCEEDED; STORE_MISCONFIGURED where usage cannot be measured; what reading the figure throws
   */
  async admit(tenant: Tenant, limit: number, call: Call): Promise<void> {
    await this.#look(call);
    const age = this.#age();
    if (age > MEASURE_AFTER || this.#mayCross(tenant.name, limit)) this.#measure(age > MEASURE_AFTER);
    if (age > WAIT_AFTER) await this.#wait(call);
    if (this.#isOver(tenant, limit) && this.#age() > REFUSE_WITHIN) {
      this.#measure(true);
      await this.#wait(call);
    }
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isOver(tenant, limit)) throw quotaExceeded(tenant, limit, this.#record);
  }

  /** Tells that a write made a tenant grow. */
  applied(tenant: string, rows: number): void {
    const now = this.#parts.clock.now();
    const spans = this.#applied.get(tenant) ?? [];
    const last = spans.at(-1);
    if (last !== undefined && now < last.from + SPAN) {
      last.rows += rows;
      last.until = Math.max(last.until, now);
      return;
    }
    this.#applied.set(tenant, spans);
    spans.push({ from: now, until: now, rows });
    const [oldest, second] = spans;
    if (spans.length <= MAX_SPANS || oldest === undefined || second === undefined) return;
    spans.splice(0, 2, { from: oldest.from, until: second.until, rows: oldest.rows + second.rows });
  }

  /** Tells that rows went in numbers. */
  doubt(): void {
    this.#doubted = true;
  }

  /** Ends measuring. What this process wrote is measured before, if that is quick: the next process knows nothing of it. */
  async close(): Promise<void> {
    const crossed = [...this.#parts.definitions.tenants.values()].some(
      ({ name, maxBytes }) => maxBytes !== undefined && this.#applied.has(name) && this.#mayCross(name, maxBytes),
    );
    if (crossed && !this.#ending.signal.aborted) {
      this.#measure(true);
      await this.#wait();
    }
    this.#ending.abort();
    await this.#measuring;
  }

  async #look(call: Call): Promise<void> {
    const now = this.#parts.clock.now();
    if (now - this.#lookedAt < LOOK_AFTER && this.#record.measuredAt > 0) return;
    this.#lookedAt = now;
    this.#take((await readRecord(this.#parts.rowStore, this.#parts.definitions.project, call)).record);
  }

  #take(record: UsageRecord): void {
    if (record.measuredAt <= this.#record.measuredAt) return;
    this.#record = record;
    // Another process's figure may be taken long after its walk began: it does not have what was written since.
    for (const [tenant, spans] of this.#applied) {
      const since = spans.filter(({ until }) => until >= record.measuredAt);
      if (since.length === 0) this.#applied.delete(tenant);
      else this.#applied.set(tenant, since);
    }
  }

  #age(): number {
    return this.#doubted ? Number.POSITIVE_INFINITY : this.#parts.clock.now() - this.#record.measuredAt;
  }

  /** Whether what this process wrote since may have made the tenant cross its limit, were every row a new one. */
  #mayCross(name: string, limit: number): boolean {
    const { bytes = 0, count = 0 } = this.#record.tenants.get(name) ?? {};
    const each = count === 0 ? ROW_BYTES : bytes / count;
    const applied = (this.#applied.get(name) ?? []).reduce((sum, { rows }) => sum + rows, 0);
    return bytes <= limit && bytes + applied * each > limit;
  }

  #isOver({ name, onFull }: Tenant, limit: number): boolean {
    const { bytes, exhausted } = this.#record.tenants.get(name) ?? { bytes: 0, exhausted: false };
    return bytes > limit && (onFull === "refuse" || exhausted);
  }

  /** Begins to measure, unless that is under way, or has just failed or been done. */
  #measure(due: boolean): void {
    const { clock } = this.#parts;
    const now = clock.now();
    if (this.#measuring !== undefined) return;
    if (now - this.#triedAt < RETRY_AFTER && (!due || this.#failure !== undefined)) return;
    this.#triedAt = now;
    this.#doubted = false;
    const signal = this.#ending.signal;
    const parts = { ...this.#parts, pace: paceOf(this.#parts.share ?? SHARE, signal) };
    const freshFrom = due ? now - REFUSE_WITHIN : now - RETRY_AFTER;
    this.#measuring = measureUsage(parts, Math.max(freshFrom, this.#record.measuredAt + 1), {
      tenant: "default",
      signal,
    })
      .then(
        (record) => {
          this.#failure = undefined;
          this.#take(record);
        },
        (error: unknown) => {
          this.#failure = isPassing(error) ? undefined : asFailure(error);
        },
      )
      .finally(() => {
        this.#measuring = undefined;
      });
  }

  /** Waits for the figure that is being taken: some time, and no longer than half of what the call has left. */
  async #wait({ deadline = Number.POSITIVE_INFINITY }: Pick<Call, "deadline"> = {}): Promise<void> {
    const most = Math.min(this.#parts.waitMs ?? WAIT_MS, Math.max(0, (deadline - performance.now()) / 2));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, most);
    });
    await Promise.race([this.#measuring, late]);
    clearTimeout(timer);
  }
}

/** Rows applied from one time to another, in microseconds. */
interface AppliedSpan {
  readonly from: number;
  until: number;
  rows: number;
}

/** A store that fails says so to the write itself. */
function isPassing(error: unknown): boolean {
  return isLarderError(error, "STORE_UNAVAILABLE", "STORE_TIMEOUT", "STORE_CLOSED", "ABORTED");
}

function asFailure(error: unknown): LarderError {
  const [what, remedy] = isLarderError(error)
    ? [error.what, error.remedy]
    : [String(error), "Report it with the text above"];
  return new LarderError(isLarderError(error) ? error.code : "INTERNAL", {
    what: `What tenants take of max_bytes cannot be measured: ${what}`,
    remedy,
    cause: error,
  });
}

function quotaExceeded({ name, onFull }: Tenant, limit: number, { measuredAt, tenants }: UsageRecord): LarderError {
  const { bytes = 0 } = tenants.get(name) ?? {};
  const why = onFull === "refuse" ? "" : ", and its long-tail views have nothing left to evict";
  return new LarderError("QUOTA_EXCEEDED", {
    what: `Tenant "${name}" takes ${megabytes(bytes)} online, its limit is ${megabytes(limit)}${why}; nothing was written`,
    remedy: `Delete rows, shorten its TTLs, or raise tenants.${name}.max_bytes`,
    facts: { tenant: name, bytes, max_bytes: limit, measured_at: new Date(measuredAt / 1000).toISOString() },
  });
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${bytes} B` : `${(bytes / 1e6).toFixed(1)} MB`;
}
