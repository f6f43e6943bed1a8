import { Fault } from "../fault.ts";

/** Keys and values that Larder's design has and this version does not: said plainly instead of "unknown". */
const NOT_BUILT: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  "online_store.near_cache": ["is not built into this version", "Remove it: every read asks the store"],
  "online_store.type": ["names an online store that this version does not have", "Use one of: memory, sqlite, redis"],
  "server.auth": [
    "asks for authentication that this version does not have",
    "Use none, or leave it out to listen on loopback only",
  ],
  "feature_views[].stream.format": ["names a format that this version does not read", "Use json"],
  "stream.type": ["names a stream that this version does not read", "Use kafka"],
  "offline_store.type": ["names an offline store that this version does not have", "Use duckdb"],
};

/** A better word for a fault at `path`, where the reader asks for something that is planned and not built. */
export function notBuiltFault(path: string): Fault | undefined {
  const entry = NOT_BUILT[path.replaceAll(/\[\d+\]/g, "[]")];
  return entry === undefined ? undefined : new Fault(...entry);
}
