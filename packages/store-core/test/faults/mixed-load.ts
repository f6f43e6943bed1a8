import { scheduler } from "node:timers/promises";
import { findView, isLarderError, type OnStoreFailure } from "@larder/schema";
import { type SeededRandom, seededRandom } from "@larder/testkit";
import type { Call } from "../../src/call.ts";
import type { OnlineStore } from "../../src/online-store.ts";
import type { History } from "./history.ts";
import { historyClock, noteAnswer, ownerOf, READ_MS, type Reading, rowOf, VIEWS, WRITE_MS } from "./world.ts";

/** Readers and writers at work on a store under faults; all that they are told goes into a history. */
export interface MixedLoad {
  readonly counts: { readonly answered: number; readonly degraded: number; readonly failed: number };
  /** Calls that had not ended when a timer rang that was set for their deadline and a moment more. */
  readonly overdue: readonly string[];
  /** Resolves when every worker has had `count` more answers of the store itself; fails when there is none for long. */
  progress(count: number): Promise<void>;
  /** Resolves when so many more calls have failed or been answered from memory. */
  failing(count: number): Promise<void>;
  /** Ends after the calls under way. @throws the first error that no fault explains */
  stop(): Promise<void>;
  /** Entities of `state` that are written once each: what is missing of them is lost. */
  readonly written: ReadonlyMap<string, readonly number[]>;
}

/** What a load works on. */
export interface LoadParts {
  readonly store: OnlineStore;
  readonly reading: Reading;
  readonly tenants: readonly string[];
  readonly history: History;
  readonly seed: number;
}

/** Entities that all writers compete for. */
export const CONTESTED = 40;

/** Entities from here on are written once. */
const ONCE = 1_000_000;

/**
 * What a call may take to end after its deadline. After a pause of the process Node rings timers out of order, some as late again as the pause was
 * long; what restarts its deadline, or has none, is later by far.
 */
const MOMENT_MS = 250;

const PATIENCE_MS = 120_000;

const STALE: OnStoreFailure = { policy: "stale", maxAge: 60_000_000, otherwise: "fail" };

/** Starts three writers of contested rows, one of rows that are written once, and four readers. */
export function startMixedLoad({ store, reading, tenants, history, seed }: LoadParts): MixedLoad {
  const counts = { answered: 0, degraded: 0, failed: 0 };
  const overdue: string[] = [];
  const written = new Map<string, number[]>(tenants.map((tenant) => [tenant, []]));
  const turns: number[] = [];
  let stopped = false;
  let lastVersion = 0;
  let lastOnce = ONCE;
  const freshVersion = () => {
    lastVersion = Math.max(historyClock.now(), lastVersion + 1);
    return lastVersion;
  };

  /** Runs one call with a deadline of its own or the store's; false when it failed as a fault explains. */
  const attempt = async (what: string, random: SeededRandom, usualMs: number, call: (call: Call) => Promise<void>) => {
    const tenant = random.pick(tenants);
    const own = random.next() < 0.5 ? random.integer(usualMs / 2, usualMs) : undefined;
    const started = performance.now();
    const due = started + (own ?? usualMs) + MOMENT_MS;
    const watch = watchUntil(due, () =>
      overdue.push(
        `${what}, ${own ?? usualMs} ms, still under way after ${Math.round(performance.now() - started)} ms`,
      ),
    );
    try {
      await call(own === undefined ? { tenant } : { tenant, deadline: started + own });
      return true;
    } catch (error) {
      if (!isLarderError(error, "STORE_UNAVAILABLE", "STORE_TIMEOUT")) throw error;
      counts.failed++;
      return false;
    } finally {
      watch.end();
      // A store that is away refuses at once; who asks without a pause takes the processor from the servers that shall come back.
      await scheduler.wait(5);
    }
  };

  const worker = (order: number, turn: (random: SeededRandom) => Promise<boolean>) => {
    const random = seededRandom(seed + order);
    turns.push(0);
    return (async () => {
      while (!stopped) if (await turn(random)) turns[order] = (turns[order] as number) + 1;
    })();
  };

  const write = async (viewName: string, call: Call, rows: readonly (readonly [id: number, version: number])[]) => {
    const view = findView(reading.definitions, viewName);
    const owners = rows.map(([id]) => ownerOf(call.tenant, viewName, id));
    const sentAt = historyClock.now();
    for (const [at, [, version]] of rows.entries()) history.tried(owners[at] as string, version, sentAt);
    const { outcomes } = await store.write(
      view,
      rows.map(([id, version]) => rowOf(call.tenant, view, id, version)),
      call,
    );
    const at = historyClock.now();
    if (outcomes.length !== rows.length) history.broke(`${rows.length} rows, ${outcomes.length} outcomes`);
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome === "expired") history.broke(`${owners[index]} counts as expired`);
      const [, version] = rows[index] as readonly [number, number];
      history.wrote({ owner: owners[index] as string, version, outcome, sentAt, at });
    }
    counts.answered++;
  };

  const compete = (random: SeededRandom, past: (readonly [number, number])[]) =>
    attempt("a write", random, WRITE_MS, (call) => {
      const rows = Array.from({ length: random.pick([1, 3, 60]) }, (): readonly [number, number] => {
        const again = random.next() < 0.1 && past.length > 0;
        // A repeat may be of another tenant's, where it is a row as any other.
        if (again) return random.pick(past);
        const version = random.next() < 0.2 ? freshVersion() - random.integer(0, 500_000) : freshVersion();
        return [random.integer(1, CONTESTED), version];
      });
      past.push(...rows.slice(0, 5));
      past.splice(0, past.length - 100);
      return write(random.pick(VIEWS), call, rows);
    });

  const append = (random: SeededRandom) =>
    attempt("a write of new rows", random, WRITE_MS, async (call) => {
      const rows = Array.from({ length: random.integer(1, 20) }, () => {
        let version = freshVersion();
        while (version % 7 === 0) version = freshVersion();
        return [++lastOnce, version] as const;
      });
      await write("state", call, rows);
      written.get(call.tenant)?.push(...rows.map(([id]) => id));
    });

  const read = async (random: SeededRandom) => {
    let fromStore = false;
    const done = await attempt("a read", random, READ_MS, async (call) => {
      const recent = written.get(call.tenant)?.slice(-20) ?? [];
      const ids = Array.from({ length: random.pick([1, 5, 50]) }, () =>
        random.next() < 0.2 && recent.length > 0 ? random.pick(recent) : random.integer(1, CONTESTED + 2),
      );
      const options = { allowStale: random.next() < 0.5, ...(random.next() < 0.5 ? { onFailure: STALE } : {}) };
      const startedAt = historyClock.now();
      const batch = await store.read(reading.plan, reading.keys(ids), call, options);
      noteAnswer(history, { tenant: call.tenant, ids, options, batch, startedAt, endedAt: historyClock.now() });
      if (batch.degraded) counts.degraded++;
      else counts.answered++;
      fromStore = !batch.degraded;
    });
    return done && fromStore;
  };

  const workers = [
    ...[0, 1, 2].map((order) => {
      const past: (readonly [number, number])[] = [];
      return worker(order, (random) => compete(random, past));
    }),
    worker(3, append),
    ...[4, 5, 6, 7].map((order) => worker(order, read)),
  ];
  const all = Promise.all(workers);
  // Awaited by stop(); until then a failure is no unhandled rejection.
  all.catch(() => {
    stopped = true;
  });
  const wait = async (what: string, done: () => boolean) => {
    for (const end = performance.now() + PATIENCE_MS; !done(); await scheduler.wait(5)) {
      if (stopped) await all;
      if (performance.now() > end)
        throw new Error(`No ${what} in ${PATIENCE_MS} ms: turns ${turns}, ${JSON.stringify(counts)}`);
    }
  };
  return {
    counts,
    overdue,
    written,
    progress: (count) => {
      const goals = turns.map((each) => each + count);
      return wait("progress", () => turns.every((each, at) => each >= (goals[at] as number)));
    },
    failing: (count) => {
      const goal = counts.failed + counts.degraded + count;
      return wait("failure", () => counts.failed + counts.degraded >= goal);
    },
    async stop() {
      stopped = true;
      await all;
    },
  };
}

/** Calls back when a time on the `performance.now()` line has come, never before it, unless it is ended. */
function watchUntil(due: number, callBack: () => void): { end(): void } {
  let ended = false;
  let timer: NodeJS.Timeout;
  const arm = () => {
    timer = setTimeout(
      () => {
        if (performance.now() < due) arm();
        // All timers that are due have rung by then.
        else setImmediate(() => setImmediate(() => (ended ? undefined : callBack())));
      },
      Math.max(1, due - performance.now()),
    );
  };
  arm();
  return {
    end: () => {
      ended = true;
      clearTimeout(timer);
    },
  };
}
