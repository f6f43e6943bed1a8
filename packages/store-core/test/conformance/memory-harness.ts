import { type Definitions, LarderError } from "@larder/schema";
import type { ConformanceHarness } from "../../conformance/index.ts";
import type { OnlineStore } from "../../src/online-store.ts";
import { createPackedOnlineStore, type PackedOnlineStoreParts } from "../../src/packed-online-store.ts";
import type { RowStore } from "../../src/row-store.ts";
import { createMemoryRowStore } from "../../src/stores/memory/memory-row-store.ts";
import { handleOf } from "./handle.ts";

/** How a mutant breaks the store: below the typed store, above it, or in what it is told. */
export interface Mutation {
  definitions?(definitions: Definitions): Definitions;
  rows?(rows: RowStore, parts: Pick<PackedOnlineStoreParts, "definitions" | "clock">): RowStore;
  store?(store: OnlineStore, parts: Pick<PackedOnlineStoreParts, "definitions" | "clock">): OnlineStore;
}

/** Stores over one Map; the last to close empties it. */
export function memoryHarness(mutation: Mutation = {}): ConformanceHarness {
  return {
    name: "memory",
    capabilities: { createdTime: true, tenants: true, durable: false, signals: false },
    hasRowStore: true,
    async create() {
      const place = new Place();
      return {
        async open(definitions, clock) {
          const rows = place.open();
          const rowStore = mutation.rows?.(rows, { definitions, clock }) ?? rows;
          const told = mutation.definitions?.(definitions) ?? definitions;
          const store = createPackedOnlineStore({ definitions: told, rowStore, clock });
          return mutation.store?.(store, { definitions, clock }) ?? store;
        },
        // Alone, it is the store itself that closes.
        openRows: async () => (place.users === 0 ? place.openAlone() : place.open()),
        async overwrite({ project, tenant, view, entityKey }, bytes) {
          const times = { eventTime: 0, createdTime: undefined, expiresAt: undefined };
          await place.rows.deleteScope({ project, tenant, view, entityKey }, { tenant });
          const row = { entityKey, ...times, tombstone: false, bytes };
          await place.rows.putIfNewer({ project, tenant, view }, [row], { tenant });
        },
        async fail() {
          place.failing = true;
        },
        remove: () => place.rows.close(),
      };
    },
  };
}

class Place {
  rows = createMemoryRowStore();
  users = 0;
  failing = false;

  openAlone(): RowStore {
    this.rows = createMemoryRowStore();
    return this.rows;
  }

  open(): RowStore {
    if (this.users++ === 0) this.openAlone();
    const { rows } = this;
    return handleOf(rows, {
      close: async () => {
        if (--this.users === 0) await rows.close();
      },
      before: () => {
        if (this.failing) throw new LarderError("STORE_UNAVAILABLE", { what: "The rows are gone", remedy: "Give up" });
      },
    });
  }
}
