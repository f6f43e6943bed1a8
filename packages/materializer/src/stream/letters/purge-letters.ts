import type { PartitionOffset } from "../event-source.ts";
import { type LetterBatch, LetterBox, type LetterParts, type LetterRequest } from "./letter-box.ts";

/** What a purge deleted, or would. */
export interface PurgeReport {
  readonly dryRun: boolean;
  /** Letters that were deleted. */
  readonly deleted: number;
  /** Letters that the filter means and that stay, since one that it does not mean is before them. */
  readonly kept: number;
  /** Where the oldest letter is afterwards, of each partition that something was deleted of. */
  readonly positions: readonly PartitionOffset[];
}

/**
 * Deletes letters that the filter means, from the oldest on. Kafka can only delete the beginning of a partition, so the first letter that is not meant
 * ends it there; those behind it are counted.
 * @throws STREAM_MISCONFIGURED without the right to delete
 */
export async function purgeLetters(
  parts: LetterParts,
  request: LetterRequest & { readonly dryRun: boolean },
): Promise<PurgeReport> {
  const box = new LetterBox(parts, request);
  const cuts = new Map<string, { readonly to: PartitionOffset | undefined; readonly ended: boolean }>();
  // Also where the filter is about a part of a partition: what comes before it decides.
  const startsOf = (topic: string) => parts.admin.beginOffsets(topic);
  let deleted = 0;
  let kept = 0;
  const takeBatch = async ({ letters }: LetterBatch) => {
    for (const { letter, matches } of letters) {
      const { topic, partition, offset } = letter.at;
      const key = `${topic}:${partition}`;
      const { to, ended } = cuts.get(key) ?? { to: undefined, ended: false };
      if (!matches) cuts.set(key, { to, ended: true });
      else if (ended) kept++;
      else {
        deleted++;
        cuts.set(key, { to: { topic, partition, offset: offset + 1n }, ended });
      }
    }
    return "more" as const;
  };
  await box.read("reader", takeBatch, startsOf);
  const positions = [...cuts.values()].flatMap(({ to }) => (to === undefined ? [] : [to]));
  if (!request.dryRun && deleted > 0) await parts.admin.deleteBefore(positions);
  return { dryRun: request.dryRun, deleted, kept, positions };
}
