import type { KillResult } from "./run.ts";

/** A run in one line. */
export function describeRun({
  facts,
  appended,
  handled,
  duplicates,
  judged,
  reads,
  faults,
  seconds,
}: KillResult): string {
  return (
    `${seconds.toFixed(0)} s, ${faults} faults; ${facts} facts, ${appended} rows appended, at least ${handled} handled, ${duplicates} of them duplicates; ` +
    `${judged} rows read and judged in ${reads.answered} looks, ${reads.failed} looks failed`
  );
}
