import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";

/** Like deepStrictEqual of two long lists, but tells the first difference only: the difference of thousands of items takes minutes to print. */
export function sameItems(actual: readonly unknown[], expected: readonly unknown[]): void {
  strictEqual(actual.length, expected.length, `${actual.length} items instead of ${expected.length}`);
  for (const [index, item] of expected.entries()) {
    if (isDeepStrictEqual(actual[index], item)) continue;
    deepStrictEqual({ index, item: actual[index] }, { index, item });
  }
}
