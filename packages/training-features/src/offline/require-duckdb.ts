import { type Definitions, LarderError } from "@larder/schema";

/**
 * Refuses work that reads an offline store row by row into this process, where the store's files are the cluster's.
 * `instead` is what else may be done, for the remedy.
 * @throws UNSUPPORTED with `offline_store.type` spark
 */
export function requireDuckDb({ offlineStore }: Definitions, work: string, instead = "push the rows"): void {
  if (offlineStore.type === "duckdb") return;
  throw new LarderError("UNSUPPORTED", {
    what: `${work} needs an offline store that this process reads, and offline_store.type is ${offlineStore.type}, which builds training sets only`,
    remedy: `Use definitions with offline_store.type duckdb over the same files, or ${instead}`,
    facts: { field: "offline_store.type" },
  });
}
