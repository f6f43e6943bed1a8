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
    capabilities: { createdTime: true, tenants: true, durable: false },
    async create() {
      let shared = createMemoryRowStore();
      let users = 0;
      let failing = false;
      return {
        async open(definitions, clock) {
          if (users === 0) shared = createMemoryRowStore();
          users++;
          const handle = handleOf(shared, {
            close: async () => {
              if (--users === 0) await shared.close();
            },
            before: () => {
              if (failing) throw new LarderError("STORE_UNAVAILABLE", { what: "The rows are gone", remedy: "Give up" });
            },
          });
          const rowStore = mutation.rows?.(handle, { definitions, clock }) ?? handle;
          const told = mutation.definitions?.(definitions) ?? definitions;
          const store = createPackedOnlineStore({ definitions: told, rowStore, clock });
          return mutation.store?.(store, { definitions, clock }) ?? store;
        },
        async overwrite({ project, tenant, view, entityKey }, bytes) {
          const call = { tenant };
          await shared.deleteScope({ project, tenant, view, entityKey }, call);
          const row = {
            entityKey,
            eventTime: 0,
            createdTime: undefined,
            expiresAt: undefined,
            tombstone: false,
            bytes,
          };
          await shared.putIfNewer({ project, tenant, view }, [row], call);
        },
        async fail() {
          failing = true;
        },
        remove: () => shared.close(),
      };
    },
  };
}
