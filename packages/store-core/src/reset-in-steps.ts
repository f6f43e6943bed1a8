import { setTimeout as wait } from "node:timers/promises";
import type { Definitions } from "@larder/schema";
import { aborted, type Call } from "./call.ts";
import type { ResetOptions, ResetScope } from "./online-store.ts";
import { clearPositions } from "./positions.ts";
import type { AfterStep, RowStore } from "./row-store.ts";

/** Longest pause between two steps, in milliseconds. */
const MAX_PAUSE_MS = 100;

/**
 * Removes rows in steps, each followed by a pause as long as the step took, so that a reset has at most half of the store.
 *
 * Positions go first: where a reset is stopped, an incremental run finds none and reads everything again, so that no row is missing that it believes to
 * have loaded. They go once more at the end: a run that began and ended meanwhile loaded rows that the reset removed afterwards, and one that is
 * still under way loses its checkpoint and fails with STORE_CONFLICT.
 */
export async function resetInSteps(
  store: Pick<RowStore, "deleteMeta">,
  definitions: Pick<Definitions, "project" | "views">,
  scope: ResetScope,
  call: Call,
  options: ResetOptions | undefined,
  remove: (afterStep: AfterStep) => Promise<number>,
): Promise<number> {
  await clearPositions(store, definitions, scope, call);
  let began = performance.now();
  const removed = await remove(async (rows) => {
    options?.onRemoved?.(rows);
    const pause = Math.min(performance.now() - began, MAX_PAUSE_MS);
    await rest(pause, call.signal);
    began = performance.now();
  });
  await clearPositions(store, definitions, scope, call);
  return removed;
}

async function rest(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await wait(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw signal?.aborted === true ? aborted(signal) : error;
  }
}
