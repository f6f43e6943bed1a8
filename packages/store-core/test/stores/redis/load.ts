import { scheduler } from "node:timers/promises";
import { isLarderError } from "@larder/schema";
import type { RowStore } from "../../../src/row-store.ts";
import { CALL, get, NOW, row, SCOPE } from "./harness.ts";

/** A read that answered an older version than was acknowledged before it began. */
export interface StaleRead {
  readonly entityKey: string;
  readonly acknowledged: number;
  readonly read: number;
}

/** Writers and readers at work on a store, and the history of what they were told. */
export interface Load {
  /** The version of each key that its writer was told is stored; each key has one writer, whose versions rise. */
  readonly acknowledged: ReadonlyMap<string, number>;
  /** When each version of a key was acknowledged (`performance.now()`), oldest first. */
  history(entityKey: string): ReadonlyMap<number, number>;
  readonly staleReads: readonly StaleRead[];
  /** Errors of calls, by code; any other than STORE_UNAVAILABLE and STORE_TIMEOUT ends the load. */
  readonly failures: { writes: number; reads: number };
  readonly answered: { writes: number; reads: number };
  /** Longest time that any call took, in milliseconds. */
  readonly slowest: { write: number; read: number };
  /** Resolves when every writer has had `count` more acknowledgements, and every reader as many answers. */
  progress(count: number): Promise<void>;
  /** Ends after the calls under way; fails with the first unexpected error. */
  stop(): Promise<void>;
}

/** Starts one writer and one reader per group of entity keys; each writes, or reads, its group as one batch. */
export function startLoad(store: RowStore, groups: readonly (readonly string[])[]): Load {
  const acknowledged = new Map<string, number>();
  const histories = new Map<string, Map<number, number>>();
  const staleReads: StaleRead[] = [];
  const failures = { writes: 0, reads: 0 };
  const answered = { writes: 0, reads: 0 };
  const slowest = { write: 0, read: 0 };
  const turns = new Array<number>(groups.length * 2).fill(0);
  let stopped = false;

  const attempt = async (kind: "write" | "read", call: () => Promise<void>): Promise<boolean> => {
    const started = performance.now();
    try {
      await call();
      answered[`${kind}s`]++;
      return true;
    } catch (error) {
      if (!isLarderError(error, "STORE_UNAVAILABLE", "STORE_TIMEOUT")) throw error;
      failures[`${kind}s`]++;
      // A server that is away refuses at once; asking without a pause would take the processor from the ones that shall take over.
      await scheduler.wait(5);
      return false;
    } finally {
      slowest[kind] = Math.max(slowest[kind], performance.now() - started);
    }
  };

  const write = async (keys: readonly string[], turn: number) => {
    const history = new Map<number, number>();
    for (const entityKey of keys) histories.set(entityKey, history);
    for (let version = 1; !stopped; version++) {
      const rows = keys.map((entityKey) => row({ entityKey, eventTime: NOW + version }));
      const done = await attempt("write", async () => {
        const outcomes = await store.putIfNewer(SCOPE, rows, CALL);
        if (outcomes.some((outcome) => outcome !== "applied")) throw new Error(`outcomes ${outcomes.join()}`);
      });
      if (!done) continue;
      history.set(version, performance.now());
      for (const entityKey of keys) acknowledged.set(entityKey, version);
      turns[turn] = (turns[turn] as number) + 1;
    }
  };

  const read = async (keys: readonly string[], turn: number) => {
    while (!stopped) {
      const floors = keys.map((entityKey) => acknowledged.get(entityKey) ?? 0);
      const done = await attempt("read", async () => {
        for (const [index, version] of (await versions(store, keys)).entries()) {
          const floor = floors[index] as number;
          if (version < floor)
            staleReads.push({ entityKey: keys[index] as string, acknowledged: floor, read: version });
        }
      });
      if (done) turns[turn] = (turns[turn] as number) + 1;
    }
  };

  const workers = groups.flatMap((keys, at) => [write(keys, at * 2), read(keys, at * 2 + 1)]);
  const all = Promise.all(workers);
  // Awaited by stop(); until then a failure is no unhandled rejection.
  all.catch(() => {
    stopped = true;
  });
  return {
    acknowledged,
    history: (entityKey) => histories.get(entityKey) ?? new Map(),
    staleReads,
    failures,
    answered,
    slowest,
    async progress(count) {
      const goals = turns.map((each) => each + count);
      for (const end = performance.now() + PROGRESS_MS; turns.some((each, at) => each < (goals[at] as number)); ) {
        if (stopped) await all;
        if (performance.now() > end)
          throw new Error(`No progress in ${PROGRESS_MS} ms: ${turns.join()} of ${goals.join()}`);
        await scheduler.wait(5);
      }
    },
    async stop() {
      stopped = true;
      await all;
    },
  };
}

const PROGRESS_MS = 25_000;

/** The version of each key that a store answers; 0 where there is none. */
export async function versions(store: RowStore, entityKeys: readonly string[]): Promise<readonly number[]> {
  const cells = await get(store, entityKeys);
  return cells.map((cell) => (cell === undefined ? 0 : versionOf(Buffer.from(cell, "hex"))));
}

/** The version of a stored row. */
function versionOf(bytes: Buffer): number {
  return Number((bytes.readBigUInt64BE(0) >> 8n) - (Buffer.from(row({}).bytes).readBigUInt64BE(0) >> 8n));
}
