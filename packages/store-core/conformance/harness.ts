import type { Clock, Definitions } from "@larder/schema";
import type { OnlineStore, OnlineStoreCapabilities } from "../src/online-store.ts";
import type { RowScope, RowStore } from "../src/row-store.ts";

/** Registers one test, as `test` of vitest or `it` of node:test does. */
export type It = (name: string, run: () => Promise<void>) => void;

/** A kind of store under test. */
export interface ConformanceHarness {
  readonly name: string;
  readonly capabilities: OnlineStoreCapabilities;
  /** Whether it is a {@link RowStore} made typed; a store may also be an OnlineStore by itself. */
  readonly hasRowStore: boolean;
  /** A place for rows that nobody else uses, empty: a file, a database, a Map. */
  create(): Promise<Backing>;
}

/** One place for rows, and the ways to break it. */
export interface Backing {
  /** Opens a store over it, as one more process would. */
  open(definitions: Definitions, clock: Clock): Promise<OnlineStore>;
  /** Opens the port below, in stores that have one, for these views. */
  openRows?(views: readonly string[]): Promise<RowStore>;
  /** Replaces the bytes of a stored row behind the store's back. */
  overwrite(key: Required<RowScope>, bytes: Uint8Array): Promise<void>;
  /** Makes the backend fail, for open stores too, until `remove`. */
  fail(): Promise<void>;
  /** Ends the stores that are still open, and the place. */
  remove(): Promise<void>;
}

/** A clock that a test moves. Microseconds since the epoch. */
export interface MovableClock extends Clock {
  set(micros: number): void;
}

/**
 * Where the clock of every test starts: 2100-01-01T00:00:00Z. Servers drop rows by a clock of their own, so logical time stays ahead of it; then
 * no row goes by itself while a test runs.
 */
export const START = 4_102_444_800_000_000;

/** Durations in microseconds. */
export const SECOND = 1_000_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A clock that shows {@link START}. */
export function movableClock(): MovableClock {
  let time = START;
  return {
    now: () => time,
    set: (micros) => {
      time = micros;
    },
  };
}
