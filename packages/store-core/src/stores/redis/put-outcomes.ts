import { LarderError } from "@larder/schema";
import { hashKey } from "../../diagnostics.ts";
import type { PutOutcome, StoredRow } from "../../row-store.ts";
import type { PartReply } from "./over-keys.ts";

const OUTCOMES: Readonly<Record<string, PutOutcome>> = {
  a: "applied",
  A: "applied_conflict",
  d: "duplicate",
  s: "stale",
  S: "stale_conflict",
};

/**
 * What the runs of a writing script answered, one byte per row.
 * @throws STORE_CORRUPT naming the first row whose key holds what is not Larder's
 */
export function outcomesOf(parts: readonly PartReply[], rows: readonly StoredRow[]): readonly PutOutcome[] {
  const letters: (string | undefined)[] = new Array(rows.length).fill(undefined);
  for (const { indexes, reply } of parts) {
    const text = Buffer.isBuffer(reply) ? reply.toString("latin1") : "";
    for (const [at, index] of indexes.entries()) letters[index] = text[at];
  }
  return rows.map(({ entityKey }, index) => {
    const outcome = OUTCOMES[letters[index] ?? ""];
    if (outcome !== undefined) return outcome;
    throw new LarderError("STORE_CORRUPT", {
      what: `Row ${index} was not written: its key (hash ${hashKey(entityKey)}) holds something that is not Larder's`,
      remedy: "Reset that entity, which removes what is there, or use another db",
      facts: { row: index, keyHash: hashKey(entityKey) },
    });
  });
}
