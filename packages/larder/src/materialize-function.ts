import type { Clock, Definitions } from "@larder/schema";
import type { MaterializeFunction } from "@larder/serving";
import type { OnlineStore } from "@larder/store-core";

/** Fewer than a run by itself takes: between two chunks the event loop is free for requests. */
const CHUNK_ROWS = 250;

/** What a server's `/materialize` runs, into the store it serves from. DuckDB is loaded by the first run; its work is on threads of its own. */
export function createMaterialize(parts: {
  readonly definitions: Definitions;
  readonly store: OnlineStore;
  readonly clock: Clock;
}): MaterializeFunction {
  return async ({ window, tenant, views, signal }) => {
    const { materialize, materializeIncremental } = await import("@larder/materializer");
    const request = { tenant, views, signal, chunkRows: CHUNK_ROWS };
    return "incrementalTo" in window
      ? materializeIncremental(parts, { ...request, end: window.incrementalTo })
      : materialize(parts, { ...request, ...window });
  };
}
