import type { FeatureRow, KeyValue } from "@larder/schema";
import { decodeEntityKey } from "../../../keys/entity-key.ts";
import type { ScannedFeatureRow } from "../../../online-store.ts";
import type { AfterStep, RowSlices } from "../../../row-store.ts";
import type { RedisConnection, Wait } from "../connection.ts";
import { type Gather, gatherCells } from "../gather-cells.ts";
import { runOverKeys } from "../over-keys.ts";
import { feastDelete, runOne } from "../scripts.ts";
import { BROKEN_ROW, decodeFeastRow, NO_ROW } from "./decode-row.ts";
import type { KeySpace } from "./entity-key.ts";
import type { FeastView } from "./field-names.ts";

/** Keys that one step looks at, and most that one script takes. */
const PAGE_KEYS = 200;
const MAX_SCRIPT_KEYS = 256;

/** Hashes of one key space, and the views in them that are meant. */
export interface FeastScope {
  readonly keySpace: KeySpace;
  readonly views: readonly FeastView[];
  /** One entity; undefined = all. */
  readonly entityKey: string | undefined;
  /** `views` are all that are declared of this space. */
  readonly whole: boolean;
}

/** How a long operation goes on: every step has a wait of its own. */
export interface FeastSteps {
  readonly connection: RedisConnection;
  readonly gather: Gather;
  nextWait(): Wait;
}

/** Rows of a scope, page by page; see scanRows of the packed layout. */
export async function* scanFeastRows(scope: FeastScope, steps: FeastSteps): AsyncGenerator<ScannedFeatureRow> {
  const { keySpace, views } = scope;
  const fields = views.flatMap(({ timeField, markField, features }) => [
    markField,
    timeField,
    ...features.map(({ field }) => field),
  ]);
  for await (const keys of pagesOf(scope, steps)) {
    const cells = await gatherCells(steps.connection, [{ keys, fields }], steps.gather, steps.nextWait());
    let at = 0;
    for (const key of keys) {
      const entityKey = keySpace.entityKeyOf(key) as string;
      for (const feast of views) {
        const { view, features } = feast;
        const found = decodeFeastRow(cells, at + 1, features, at + 2);
        if (found === BROKEN_ROW) yield { view: view.name, entityKey, row: undefined, fault: "broken" };
        else if (found !== NO_ROW) {
          const values = isDeletion(cells, at) ? undefined : found.values;
          const key = decodeEntityKey(view, entityKey) as KeyValue[];
          const row: FeatureRow = { entityKey: key, eventTime: found.eventTime, createdTime: undefined, values };
          const { retyped } = found;
          yield { view: view.name, entityKey, row, ...(retyped.length === 0 ? {} : { retyped }) };
        }
        at += 2 + features.length;
      }
    }
  }
}

/** Removes the rows of a scope, page by page, and counts them. */
export async function deleteFeastRows(scope: FeastScope, steps: FeastSteps, afterStep: AfterStep): Promise<number> {
  const views = scope.views.flatMap(({ timeField, markField, fieldNames }) => [timeField, markField, fieldNames]);
  const args = [scope.whole ? "1" : "", ...views];
  let removed = 0;
  for await (const keys of pagesOf(scope, steps)) {
    for (let at = 0; at < keys.length; at += MAX_SCRIPT_KEYS) {
      const some = keys.slice(at, at + MAX_SCRIPT_KEYS);
      const runOf = (indexes: readonly number[]) => ({
        script: feastDelete,
        keys: indexes.map((index) => some[index] as Buffer),
        args,
      });
      const parts = await runOverKeys(steps.connection, some, runOf, steps.nextWait());
      for (const { reply } of parts) removed += Number(reply);
    }
    if (scope.entityKey === undefined) await afterStep(removed);
  }
  return removed;
}

/** Keys of a scope. What SCAN's pattern lets through is looked at as a whole, so that no other project's key is among them. */
async function* pagesOf(
  { keySpace, entityKey }: FeastScope,
  { connection, nextWait }: FeastSteps,
): AsyncGenerator<Buffer[]> {
  if (entityKey !== undefined) {
    yield [keySpace.redisKey(entityKey)];
    return;
  }
  for (const primary of connection.primaries()) {
    let cursor = "0";
    do {
      const scan = ["SCAN", [cursor, "match", keySpace.pattern, "count", String(PAGE_KEYS)]] as const;
      const reply = await runOne(primary, scan, nextWait());
      const [next, found] = Array.isArray(reply) ? reply : [];
      const keys = (Array.isArray(found) ? found : []).filter((key) => Buffer.isBuffer(key));
      const mine = keys.filter((key) => keySpace.entityKeyOf(key) !== undefined);
      if (mine.length > 0) yield mine;
      cursor = String(next ?? "0");
    } while (cursor !== "0");
  }
}

const DELETION = 2;

/** The mark of a deletion holds for the event time that stands in it: whoever wrote since, wrote another. */
function isDeletion({ buffers, offsets, lengths }: RowSlices, markCell: number): boolean {
  const bytesOf = (cell: number) => {
    const start = offsets[cell] as number;
    return (buffers[cell] as Buffer).subarray(start, start + (lengths[cell] as number));
  };
  if ((lengths[markCell] as number) < 1) return false;
  const mark = bytesOf(markCell);
  return mark[0] === DELETION && mark.subarray(1).equals(bytesOf(markCell + 1));
}
