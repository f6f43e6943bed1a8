import type { FeatureRow, FeatureValue } from "@larder/schema";
import type { OnlineStoreCapabilities } from "../src/online-store.ts";
import { HOSTILE_NAMES } from "./definitions.ts";
import { DAY, HOUR, MINUTE, SECOND } from "./harness.ts";

/** Where random choices come from; the same seed makes the same choices. */
export interface RandomSource {
  /** A whole number from `from` to `to`, both included. */
  integer(from: number, to: number): number;
  pick<T>(items: readonly T[]): T;
}

/** One write of a history. Values are by feature name; a process takes those its definitions have. */
export interface HistoryWrite {
  /** Index of the process that writes. */
  readonly process: number;
  readonly tenant: string;
  readonly view: string;
  readonly rows: readonly HistoryRow[];
  /** Turns of the event loop after which the writer gives up; it then writes the same again. */
  readonly givesUpAfter: number | undefined;
}

/** One row of a history. Times are relative to the clock at its write, so that a history with fewer steps is a history, too. */
export interface HistoryRow {
  readonly entityKey: FeatureRow["entityKey"];
  /** Microseconds from the event to the write. */
  readonly age: number;
  /** Microseconds from the event to its creation; undefined = the row does not say. */
  readonly lag: number | undefined;
  readonly values: Readonly<Record<string, FeatureValue>> | undefined;
  /**
   * Where nothing but event time tells rows apart: what makes this row's another than any other's of the history. Times are then whole
   * {@link RANKS} and this many microseconds.
   */
  readonly rank: number | undefined;
}

/** More than a history has rows. */
export const RANKS = 1_000;

/** One step: writes at the same time, a move of the clock, a reset, or a process that closes and opens again. */
export type HistoryStep =
  | {
      readonly kind: "writes";
      readonly writes: readonly HistoryWrite[];
      /** A process that closes while they are under way, opens again, and repeats its own. */
      readonly closing: number | undefined;
    }
  | { readonly kind: "clock"; readonly by: number }
  | { readonly kind: "reset"; readonly process: number; readonly tenant: string; readonly view: string | undefined }
  | { readonly kind: "restart"; readonly process: number };

export const PROCESSES = 3;
export const HISTORY_TENANTS: readonly string[] = ["default", "acme", "a"];
export const HISTORY_VIEWS: readonly string[] = ["usage", "notes", "evolving"];

/** Keys of every view: few, so that writes meet. */
export const HISTORY_KEYS: Readonly<Record<string, readonly (readonly (bigint | string)[])[]>> = {
  usage: [[0n], [1n], [-1n]],
  notes: ["", ...HOSTILE_NAMES.slice(1, 4)].map((name) => [name]),
  evolving: [[7n], [8n]],
};

/** Makes the steps of one history for a store with these capabilities. */
export function historySteps(
  random: RandomSource,
  length: number,
  capabilities: OnlineStoreCapabilities,
): readonly HistoryStep[] {
  const steps = Array.from({ length }, () => stepOf(random));
  let rank = 0;
  const owner = (tenant: string) => (capabilities.tenants ? tenant : "default");
  const within = (row: HistoryRow) => (capabilities.createdTime ? row : { ...row, lag: undefined, rank: rank++ });
  return steps.map((step): HistoryStep => {
    if (step.kind === "reset") return { ...step, tenant: owner(step.tenant) };
    if (step.kind !== "writes") return step;
    const writes = step.writes.map((write) => ({
      ...write,
      tenant: owner(write.tenant),
      rows: write.rows.map(within),
    }));
    return { ...step, writes };
  });
}

function stepOf(random: RandomSource): HistoryStep {
  const dice = random.integer(1, 20);
  if (dice <= 13) {
    const writes = Array.from({ length: random.pick([1, 1, 1, 2, 3, 6]) }, () => writeOf(random));
    return { kind: "writes", writes, closing: random.integer(1, 12) === 1 ? processOf(random) : undefined };
  }
  if (dice <= 16) {
    const by = random.pick([1, SECOND, 10 * MINUTE, 10 * MINUTE + 1, HOUR, HOUR + 1, DAY, -SECOND, -HOUR]);
    return { kind: "clock", by };
  }
  if (dice <= 18) {
    const view = random.pick([undefined, ...HISTORY_VIEWS]);
    return { kind: "reset", process: processOf(random), tenant: random.pick(HISTORY_TENANTS), view };
  }
  return { kind: "restart", process: processOf(random) };
}

function writeOf(random: RandomSource): HistoryWrite {
  const view = random.pick(HISTORY_VIEWS);
  const rows = Array.from({ length: random.pick([1, 1, 2, 5]) }, () => rowOf(random, view));
  const givesUpAfter = random.integer(1, 8) === 1 ? random.integer(0, 3) : undefined;
  return { process: processOf(random), tenant: random.pick(HISTORY_TENANTS), view, rows, givesUpAfter };
}

function rowOf(random: RandomSource, view: string): HistoryRow {
  return {
    entityKey: random.pick(HISTORY_KEYS[view] ?? []),
    age: random.pick([0, 0, 1, SECOND, SECOND, 9 * MINUTE, 61 * MINUTE, 2 * HOUR, 40 * DAY, -1, -30 * MINUTE]),
    lag: random.pick([undefined, undefined, 0, SECOND, -100 * 365 * DAY]),
    values: random.integer(1, 6) === 1 ? undefined : valuesOf(random, view),
    rank: undefined,
  };
}

function valuesOf(random: RandomSource, view: string): Readonly<Record<string, FeatureValue>> {
  const number = random.pick([0, 1, -0.5, Number.NaN]);
  const text = random.pick(["", "x", "\0", "\u{1f600}"]);
  if (view === "usage") return { minutes: random.pick([null, number]), note: text };
  if (view === "notes") return { text };
  const big = BigInt(random.integer(-3, 3));
  return { a: big, b: text, c: random.pick([null, [], [number, 2]]), d: text };
}

function processOf(random: RandomSource): number {
  return random.integer(0, PROCESSES - 1);
}
