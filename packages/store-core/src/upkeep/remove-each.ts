import type { Call } from "../call.ts";
import type { PagedRow, RowStore } from "../row-store.ts";

/** Removes rows of any tenants and views, each iff it is still what it was when it was read, and counts them and their bytes. */
export async function removeEach(
  store: RowStore,
  project: string,
  rows: readonly PagedRow[],
  call: Call,
): Promise<{ readonly removed: number; readonly bytes: number }> {
  let removed = 0;
  let bytes = 0;
  for (const group of Map.groupBy(rows, ({ tenant, view }) => JSON.stringify([tenant, view])).values()) {
    const [{ tenant, view } = { tenant: "", view: "" }] = group;
    for (let at = 0; at < group.length; at += store.capabilities.maxBatchRows) {
      const batch = group.slice(at, at + store.capabilities.maxBatchRows);
      const gone = await store.removeRows({ project, tenant, view }, batch, { ...call, tenant });
      for (const [index, went] of gone.entries()) {
        if (!went) continue;
        removed++;
        bytes += batch[index]?.bytes.byteLength ?? 0;
      }
    }
  }
  return { removed, bytes };
}
