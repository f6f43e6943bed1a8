import type { Clock, Definitions } from "@larder/schema";
import type { MaterializeFunction } from "@larder/serving";
import type { OnlineStore } from "@larder/store-core";

/** Fewer than a run by itself takes: between two chunks the event loop is free for requests. */
const CHUNK_ROWS = 250;

/** What a server's `/materialize` runs: rows are read on a thread of their own, and written in small chunks to the store it serves from. */
export function createMaterialize(
  parts: { readonly definitions: Definitions; readonly store: OnlineStore; readonly clock: Clock },
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): MaterializeFunction {
  const { hash, offlineStore } = parts.definitions;
  return async ({ window, tenant, views, signal }) => {
    const { materialize, materializeIncremental } = await import("@larder/materializer");
    const { openOfflineReader } = await import("./offline-thread/offline-reader.ts");
    await using reader = openOfflineReader({ file, env: { ...env }, hash, folder: offlineStore.path }, signal);
    const run = { ...parts, source: reader.source };
    const request = { tenant, views, signal, chunkRows: CHUNK_ROWS };
    return "incrementalTo" in window
      ? await materializeIncremental(run, { ...request, end: window.incrementalTo })
      : await materialize(run, { ...request, ...window });
  };
}
