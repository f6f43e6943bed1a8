import type { Definitions } from "@larder/schema";
import type { HistoricalFunction } from "@larder/serving";

/** What a server's `/historical-features` runs: each join on a thread and in a DuckDB of its own, which go with it. */
export function createHistorical(
  { hash, offlineStore, server: { historical } }: Definitions,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): HistoricalFunction {
  const { maxRows, memoryLimitBytes, spillLimitBytes } = historical;
  return async function* join({ signal, ...run }) {
    const { openOfflineReader } = await import("./offline-thread/offline-reader.ts");
    await using reader = openOfflineReader({ file, env: { ...env }, hash, folder: offlineStore.path }, signal);
    yield* reader.join({ ...run, maxRows, memoryLimitBytes, spillLimitBytes });
  };
}
