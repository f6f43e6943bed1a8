import type { PutOutcome, StoredRow } from "../row-store.ts";

/** Batches of one write that are under way at once. */
const CONCURRENCY = 4;

/** Puts the rows of one write in batches of at most `size` and answers the outcome of each row. */
export async function putInBatches(
  rows: readonly StoredRow[],
  size: number,
  put: (batch: readonly StoredRow[]) => Promise<readonly PutOutcome[]>,
): Promise<readonly PutOutcome[]> {
  const outcomes: PutOutcome[] = new Array(rows.length);
  for (let start = 0; start < rows.length; start += size * CONCURRENCY) {
    const puts: Promise<void>[] = [];
    for (let at = start; at < Math.min(rows.length, start + size * CONCURRENCY); at += size) {
      puts.push(
        put(rows.slice(at, at + size)).then((answers) => {
          for (const [index, outcome] of answers.entries()) outcomes[at + index] = outcome;
        }),
      );
    }
    // All are awaited even when one fails, so that no write is under way after the call has ended.
    const failed = (await Promise.allSettled(puts)).find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
  return outcomes;
}
