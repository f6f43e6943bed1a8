import { type Definitions, findView, formatDuration } from "@larder/schema";
import type { ViewReport } from "./report.ts";

/** Beyond this share of a view's rows it is hardly stragglers any more: the TTL does not fit the data. */
const TOLERATED = 0.1;

/** A warning for each view of which more than a tenth of the rows was past its TTL: they cost a run and read OUTSIDE_MAX_AGE or NOT_FOUND. */
export function ttlWarnings(definitions: Definitions, tenant: string, views: readonly ViewReport[]): string[] {
  return views
    .filter(({ pastTtl, rows }) => pastTtl > rows * TOLERATED)
    .map(({ view, pastTtl, rows }) => {
      const ttl = formatDuration(definitions.onlineTtl(findView(definitions, view), tenant) ?? 0);
      const share = Math.floor((pastTtl / rows) * 100);
      return `${pastTtl} of ${rows} rows of view "${view}" (${share} %) are past their TTL of ${ttl} and will not be served. Raise online_ttl, or materialize newer rows.`;
    });
}
