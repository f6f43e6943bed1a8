import { type ObjectReader, readerNotice } from "../object-store/object-store.ts";
import type { ViewResult } from "../point-in-time/run-join.ts";
import type { EntityRows } from "./entity-rows.ts";
import type { ManifestSplit } from "./manifest.ts";

/** What the reader of a training set should know, as sentences: who read objects, rules that are weaker than what was asked for, rows that cannot find anything. */
export function noticesOf(
  entities: Pick<EntityRows, "count" | "nullTimes">,
  views: readonly ViewResult[],
  reader: ObjectReader | undefined,
  split?: ManifestSplit,
): string[] {
  const notices = reader === undefined ? [] : [readerNotice(reader)];
  if (entities.nullTimes > 0) {
    notices.push(`${entities.nullTimes} of ${entities.count} entity rows have no time: their features are null.`);
  }
  for (const { projection, unjoinable } of views) {
    if (projection.ruleReason !== undefined) {
      notices.push(`Feature view "${projection.name}" is joined by event time only: ${projection.ruleReason}.`);
    }
    const withoutKey = unjoinable - entities.nullTimes;
    if (withoutKey > 0) {
      notices.push(
        `${withoutKey} of ${entities.count} entity rows have a null join key of feature view "${projection.name}".`,
      );
    }
  }
  if (split !== undefined && split.without > 0) {
    notices.push(
      `${split.without} of ${entities.count} entity rows have no ${split.cuts === null ? "whole join key" : "time"}: they are in no part of the split.`,
    );
  }
  return notices;
}
