import { type Feature, isListType, scalarOf } from "@larder/schema";
import { featureColumn } from "../offline/source-scan.ts";

/**
 * ORDER BY of rows with equal keys and event time, the winner first: latest created (absent is least), tombstone over row, then the greatest values,
 * feature by feature in the view's order. It looks at every feature of the view whichever were asked for, so that a winner does not depend on that.
 */
export function winnerOrder(features: readonly Feature[]): string {
  return ["created DESC NULLS LAST", "tombstone DESC", ...features.flatMap(valueOrder)].join(", ");
}

function valueOrder(feature: Feature): string[] {
  const column = featureColumn(feature);
  const order = `${column} DESC NULLS LAST`;
  const scalar = scalarOf(feature.type);
  if (scalar !== "float32" && scalar !== "float64") return [order];
  // 0.0 and -0.0 are equal but not the same bytes.
  return [order, isListType(feature.type) ? `CAST(${column} AS VARCHAR) DESC NULLS LAST` : `signbit(${column})`];
}
