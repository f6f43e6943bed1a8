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
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const putNext = async (): Promise<void> => {
    while (next < rows.length && failure === undefined) {
      const at = next;
      next += size;
      try {
        const answers = await put(rows.slice(at, at + size));
        for (let i = 0; i < answers.length; i++) outcomes[at + i] = answers[i] as PutOutcome;
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  // All are awaited even when one fails, so that no write is under way after the call has ended.
  await Promise.all(Array.from({ length: CONCURRENCY }, putNext));
  if (failure !== undefined) throw failure.error;
  return outcomes;
}
