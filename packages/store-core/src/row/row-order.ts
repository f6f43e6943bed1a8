import type { FeatureRow, FeatureView } from "@larder/schema";
import { createRowEncoder } from "./row-encoder.ts";
import { layoutOf } from "./row-layout.ts";
import { schemaOf } from "./row-schema.ts";

/** Rule 1 for two rows of one view and entity: negative where `a` is the older, positive where it is the newer, 0 where they are the same row. */
export type RowOrder = (a: FeatureRow, b: FeatureRow) => number;

/** Compiles the contract's order of a view's rows, for rows that are not packed yet. Rows are packed only where their times and kinds are equal. */
export function createRowOrder(view: FeatureView): RowOrder {
  const encode = createRowEncoder(layoutOf(schemaOf(view)), 0);
  return (a, b) => {
    if (a.eventTime !== b.eventTime) return a.eventTime < b.eventTime ? -1 : 1;
    const created = a.createdTime ?? Number.NEGATIVE_INFINITY;
    const other = b.createdTime ?? Number.NEGATIVE_INFINITY;
    if (created !== other) return created < other ? -1 : 1;
    return Buffer.compare(encode(a), encode(b));
  };
}
