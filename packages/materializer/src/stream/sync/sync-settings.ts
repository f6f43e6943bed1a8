import { type Definitions, LarderError } from "@larder/schema";
import type { Backoff } from "./backoff.ts";

/** How a sync works; those without a key in the definitions are the same everywhere. Times in milliseconds. */
export interface SyncSettings {
  /** A settled record waits so long for its commit, or until so many are settled. What is not committed is read again after a kill. */
  readonly commitMs: number;
  readonly commitRecords: number;
  /** See {@link DeadLettersParts.holdMs}. */
  readonly holdMs: number;
  /** Longest write of a batch. It is more than a request: longer than the store's own deadline, and no longer than a write may take beside an erasure. */
  readonly writeMs: number;
  /** How long what is under way may take to end when the sync is told to stop. */
  readonly drainMs: number;
  /** What is left of a rebalance's deadline for the last commit. */
  readonly lastCommitMs: number;
  readonly backoff: Backoff;
}

/** The settings of a process. */
export const SYNC_SETTINGS: SyncSettings = {
  commitMs: 1_000,
  commitRecords: 20_000,
  holdMs: 2_000,
  writeMs: 5_000,
  drainMs: 5_000,
  lastCommitMs: 1_000,
  backoff: { firstMs: 50, maxMs: 1_000, random: Math.random },
};

/** The definitions' `stream`. @throws CONFIG_INVALID when there is none, or no view reads one */
export function streamOf(definitions: Definitions): NonNullable<Definitions["stream"]> {
  const { stream, file } = definitions;
  if (stream !== undefined && [...definitions.views.values()].some((view) => view.stream !== undefined)) return stream;
  throw new LarderError("CONFIG_INVALID", {
    what: stream === undefined ? `${file} names no stream` : `No feature view of ${file} has a stream`,
    remedy: "Write stream: { type: kafka, brokers: [...] } at its top, and stream: { topic: … } in a feature view",
    facts: { file, field: stream === undefined ? "stream" : "feature_views" },
  });
}

/** Every topic that a view reads, once. */
export function topicsOf({ views }: Definitions): readonly string[] {
  return [...new Set([...views.values()].flatMap((view) => view.stream?.topics ?? []))];
}
