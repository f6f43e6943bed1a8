import type { HistoryStep, HistoryWrite } from "./history-steps.ts";

/** Leaves out steps, then writes, then rows, as long as the history still fails and there is time. */
export async function shrinkHistory(
  steps: readonly HistoryStep[],
  fails: (steps: readonly HistoryStep[]) => Promise<boolean>,
  milliseconds: number,
): Promise<readonly HistoryStep[]> {
  const until = performance.now() + milliseconds;
  let shortest = steps;
  for (let candidates = smaller(shortest); performance.now() < until; ) {
    const { value, done } = candidates.next();
    if (done === true) break;
    if (!(await fails(value))) continue;
    shortest = value;
    candidates = smaller(shortest);
  }
  return shortest;
}

/** Histories that lack something, the shortest first. */
function* smaller(steps: readonly HistoryStep[]): Generator<readonly HistoryStep[], undefined> {
  for (let size = Math.floor(steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < steps.length; from += size) yield steps.toSpliced(from, size);
  }
  for (const [at, step] of steps.entries()) {
    if (step.kind !== "writes") continue;
    for (const writes of smallerWrites(step.writes)) yield steps.with(at, { ...step, writes });
    if (step.closing !== undefined) yield steps.with(at, { ...step, closing: undefined });
  }
  return undefined;
}

function* smallerWrites(writes: readonly HistoryWrite[]): Generator<readonly HistoryWrite[]> {
  for (const [at, write] of writes.entries()) {
    if (writes.length > 1) yield writes.toSpliced(at, 1);
    for (let row = 0; row < write.rows.length && write.rows.length > 1; row++) {
      yield writes.with(at, { ...write, rows: write.rows.toSpliced(row, 1) });
    }
    if (write.givesUpAfter !== undefined) yield writes.with(at, { ...write, givesUpAfter: undefined });
  }
}
