import type { Call } from "../call.ts";
import type { RowStore, RowUsage } from "../row-store.ts";
import type { Pace } from "./pace.ts";

/** What rows take where the store has no account of its own: the exact sum of the sizes of rows, entity keys and view names. */
export async function measurePages(
  store: Pick<RowStore, "page">,
  project: string,
  pace: Pace,
  call: Call,
): Promise<ReadonlyMap<string, RowUsage>> {
  const usage = new Map<string, RowUsage>();
  let cursor: string | undefined;
  do {
    const page = await store.page({ project }, cursor, call);
    for (const { tenant, view, entityKey, bytes } of page.rows) {
      const { bytes: sum = 0, count = 0 } = usage.get(tenant) ?? {};
      const size = bytes.byteLength + entityKey.length + Buffer.byteLength(view);
      usage.set(tenant, { bytes: sum + size, count: count + 1, error: 0 });
    }
    cursor = page.next;
    await pace.rest();
  } while (cursor !== undefined);
  return usage;
}
