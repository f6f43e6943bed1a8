import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { inspect } from "node:util";
import { type Definitions, type FeatureRow, findView, isLarderError } from "@larder/schema";
import type { Call } from "../src/call.ts";
import type { ScannedFeatureRow, WriteResult } from "../src/online-store.ts";
import { createPackedOnlineStore } from "../src/packed-online-store.ts";
import { createMemoryRowStore } from "../src/stores/memory/memory-row-store.ts";
import { definitionsOf, TENANTS, VIEWS } from "./definitions.ts";
import type { ConformanceHarness, It } from "./harness.ts";
import { HistoryFold } from "./history-fold.ts";
import { shrinkHistory } from "./history-shrink.ts";
import {
  HISTORY_KEYS,
  HISTORY_TENANTS,
  HISTORY_VIEWS,
  type HistoryStep,
  type HistoryWrite,
  historySteps,
  PROCESSES,
  RANKS,
  type RandomSource,
} from "./history-steps.ts";
import { inWorld, Session, type World } from "./world.ts";

/** What {@link histories} needs. */
export interface HistoryOptions {
  readonly it: It;
  readonly harness: ConformanceHarness;
  /** Seed of the first history; the next one has the next seed. */
  readonly seed: number;
  readonly runs: number;
  randomOf(seed: number): RandomSource;
}

const STEPS = 30;

/** Milliseconds spent on looking for a shorter history that fails, too. */
const SHRINK_MS = 10_000;

/**
 * Random histories of three processes, one of them with newer definitions: writes at the same time, given up and repeated, resets, restarts and
 * moves of the clock. After every step the store must answer as the memory store does, and hold what the contract's fold says.
 */
export function histories({ it, harness, seed, runs, randomOf }: HistoryOptions): void {
  for (let run = 0; run < runs; run++) {
    it(`history: random history ${run + 1} of ${runs} leaves what the contract says`, async () => {
      const steps = historySteps(randomOf(seed + run), STEPS, harness.capabilities);
      const failure = await failureOf(harness, steps);
      if (failure === undefined) return;
      const fails = async (fewer: readonly HistoryStep[]) => (await failureOf(harness, fewer)) !== undefined;
      const short = await shrinkHistory(steps, fails, SHRINK_MS);
      const shown = inspect(short, { depth: 9 });
      throw new Error(
        `The history of seed ${seed + run} fails (replay it with LARDER_SEED=${seed + run}). The shortest one found: ${shown}`,
        { cause: (await failureOf(harness, short)) ?? failure },
      );
    });
  }
}

async function failureOf(harness: ConformanceHarness, steps: readonly HistoryStep[]): Promise<unknown> {
  try {
    await inWorld(harness, (world) => replay(world, steps));
    return undefined;
  } catch (error) {
    return error;
  }
}

const OLD = { a: "int64", b: "string", c: "list<float64>" } as const;
const NEW = { d: "string", c: "list<float64>", a: "int64" } as const;

const [OLD_DEFINITIONS, NEW_DEFINITIONS] = [OLD, NEW].map((features) =>
  definitionsOf({
    tenants: TENANTS,
    views: [...VIEWS, { name: "evolving", joinKeys: { customer_id: "int64" }, features }],
  }),
);

/** Process 1 has the newer definitions. */
function definitionsFor(process: number): Definitions {
  return (process === 1 ? NEW_DEFINITIONS : OLD_DEFINITIONS) as Definitions;
}

/** The processes of the store under test, and those of the memory store beside it. */
interface Replay {
  readonly world: World;
  readonly real: Session[];
  readonly model: readonly Session[];
  readonly fold: HistoryFold;
}

async function replay(world: World, steps: readonly HistoryStep[]): Promise<void> {
  const rowStore = createMemoryRowStore();
  const { clock } = world;
  const definitions = Array.from({ length: PROCESSES }, (_, process) => definitionsFor(process));
  const model = definitions.map(
    (one) => new Session(createPackedOnlineStore({ definitions: one, rowStore, clock }), one),
  );
  const at = {
    world,
    real: await Promise.all(definitions.map((one) => world.open(one))),
    model,
    fold: new HistoryFold(),
  };
  for (const [index, step] of steps.entries()) {
    await take(at, step);
    await compare(at, index);
  }
}

async function take(at: Replay, step: HistoryStep): Promise<void> {
  switch (step.kind) {
    case "writes":
      return writeAll(at, step.writes, step.closing);
    case "clock":
      return at.world.clock.set(at.world.clock.now() + step.by);
    case "reset": {
      const scope = { tenant: step.tenant, ...(step.view === undefined ? {} : { view: step.view }) };
      const removed = await processOf(at.real, step.process).reset(scope);
      strictEqual(removed, await processOf(at.model, step.process).reset(scope));
      return at.fold.reset(step.tenant, step.view);
    }
    case "restart":
      return restart(at, step.process);
  }
}

async function restart({ world, real }: Replay, process: number): Promise<void> {
  await processOf(real, process).store.close();
  real[process] = await world.open(definitionsFor(process));
}

async function writeAll(at: Replay, writes: readonly HistoryWrite[], closing: number | undefined): Promise<void> {
  const { real, model, fold, world } = at;
  const now = world.clock.now();
  const settling = Promise.allSettled(writes.map((write) => writeOne(processOf(real, write.process), write, now)));
  if (closing !== undefined) await restart(at, closing);
  for (const [index, settled] of (await settling).entries()) {
    if (settled.status === "rejected") throw settled.reason;
    const write = writes[index] as HistoryWrite;
    const cut = write.givesUpAfter !== undefined || write.process === closing;
    if (settled.value === undefined && !cut) throw new Error(`Write ${index} was ended by nobody`);
    if (cut) await writeOne(processOf(real, write.process), { ...write, givesUpAfter: undefined }, now);
    const session = processOf(model, write.process);
    const rows = rowsOf(session, write, now);
    const expected = await session.write(write.view, rows, { tenant: write.tenant });
    // Among writes at the same time the outcomes depend on who was first; what is left does not.
    if (writes.length === 1 && !cut) deepStrictEqual(settled.value, expected);
    const view = findView(session.definitions, write.view);
    for (const row of rows) {
      fold.add(session.definitions, view, write.tenant, session.entityKey(write.view, row.entityKey), row, now);
    }
  }
}

/** The answer to a write; undefined when it was given up or its store closed under it. */
async function writeOne(session: Session, write: HistoryWrite, now: number): Promise<WriteResult | undefined> {
  const controller = new AbortController();
  const call: Partial<Call> = { tenant: write.tenant, signal: controller.signal };
  const writing = session.write(write.view, rowsOf(session, write, now), call).catch((error: unknown) => {
    if (isLarderError(error, "ABORTED", "STORE_CLOSED")) return undefined;
    throw error;
  });
  if (write.givesUpAfter !== undefined) {
    for (let turn = 0; turn < write.givesUpAfter; turn++) await nextTurn();
    controller.abort();
  }
  return writing;
}

/** Every row and every value as one of the processes sees them, the old and the new one by turns. */
async function compare({ real, model, fold }: Replay, turn: number): Promise<void> {
  const [mine, theirs] = [processOf(real, turn % 2), processOf(model, turn % 2)];
  const tenants = mine.store.capabilities.tenants ? HISTORY_TENANTS : HISTORY_TENANTS.slice(0, 1);
  for (const tenant of tenants) {
    const rows = await mine.scan({ tenant });
    deepStrictEqual(rows.map(rowOnly), (await theirs.scan({ tenant })).map(rowOnly));
    fold.check(rows, tenant);
    for (const view of HISTORY_VIEWS) {
      const allowStale = turn % 4 < 2;
      deepStrictEqual(await readAll(mine, view, tenant, allowStale), await readAll(theirs, view, tenant, allowStale));
    }
  }
}

function readAll(session: Session, view: string, tenant: string, allowStale: boolean) {
  const { features, joinKeys } = findView(session.definitions, view);
  const references = features.map(({ name }) => `${view}:${name}`);
  const entities = (HISTORY_KEYS[view] ?? []).map(([value]) => ({
    [joinKeys[0]?.name ?? ""]: value as bigint | string,
  }));
  return session.cells(references, entities, { tenant, allowStale });
}

function rowsOf(session: Session, { view, rows }: HistoryWrite, now: number): FeatureRow[] {
  return rows.map(({ entityKey, age, lag, values, rank }) => {
    const eventTime = rank === undefined ? now - age : Math.floor((now - age) / RANKS) * RANKS + rank;
    return session.row(view, entityKey, eventTime, values, lag === undefined ? undefined : eventTime + lag);
  });
}

function processOf(sessions: readonly Session[], process: number): Session {
  const session = sessions[process];
  if (session === undefined) throw new Error(`There is no process ${process}`);
  return session;
}

/** A scanned row without what its schema lacks: a layout that keeps no schemas cannot tell. */
function rowOnly({ view, entityKey, row }: ScannedFeatureRow): ScannedFeatureRow {
  return { view, entityKey, row };
}
