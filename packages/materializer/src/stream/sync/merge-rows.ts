import type { FeatureRow, FeatureView } from "@larder/schema";
import { encodeEntityKey, type RowOrder } from "@larder/store-core";

/**
 * The greatest row of each entity by the contract's order, as the only one of them that a write needs to carry: writing it leaves the store as writing
 * all would, in any order. Of rows that are the same the first is kept.
 */
export function mergeRows<T extends { readonly row: FeatureRow }>(
  view: FeatureView,
  order: RowOrder,
  items: readonly T[],
): readonly T[] {
  const greatest = new Map<string, T>();
  for (const item of items) {
    const key = encodeEntityKey(view, item.row.entityKey);
    const best = greatest.get(key);
    if (best === undefined || order(item.row, best.row) > 0) greatest.set(key, item);
  }
  return [...greatest.values()];
}
