import type { Stage } from "./load-plan.ts";

/** Requests that are due in all stages. */
export function dueCount(stages: readonly Stage[]): number {
  return Math.floor(stages.reduce((sum, { seconds, from, to }) => sum + (seconds * (from + to)) / 2, 0));
}

/** Seconds that all stages take. */
export function secondsOf(stages: readonly Stage[]): number {
  return stages.reduce((sum, { seconds }) => sum + seconds, 0);
}

/**
 * Milliseconds from the start at which the request with this number, from 0, is due. In a stage of rates a to b over T seconds, a t + (b - a) t^2 / 2T
 * requests are due after t seconds; this is solved for t.
 */
export function dueAfterMs(stages: readonly Stage[], request: number): number {
  let left = request;
  let elapsed = 0;
  for (const { seconds, from, to } of stages) {
    const inStage = (seconds * (from + to)) / 2;
    if (left < inStage) {
      const bend = (to - from) / (2 * seconds);
      // The form of the quadratic's root that has no division by zero at a constant rate.
      const root = Math.sqrt(Math.max(0, from * from + 4 * bend * left));
      return 1000 * (elapsed + (left === 0 ? 0 : (2 * left) / (from + root)));
    }
    left -= inStage;
    elapsed += seconds;
  }
  return 1000 * elapsed;
}
