import type { KillResult } from "./run.ts";

/** A run in one line. */
export function describeRun(run: KillResult): string {
  const { facts, records, duplicates, sentAgain, judged, reads, faults, seconds } = run;
  return (
    `${seconds.toFixed(0)} s, ${faults} faults; ${facts} facts in ${records} records; of the orders at least ${duplicates} met themselves in the store, ` +
    `${sentAgain} were sent again; ${judged} rows read and judged in ${reads.answered} looks, ${reads.failed} looks failed`
  );
}
