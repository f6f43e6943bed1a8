import { Fault } from "../fault.ts";

/** Keys and values that Larder's design has and this version does not: said plainly instead of "unknown". */
const NOT_BUILT: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  "online_store.type": ["is no online store of this version", "Use one of: memory, sqlite, redis"],
  "offline_store.type": ["is no offline store of this version", "Use one of: duckdb, spark"],
  "stream.type": ["is no stream that this version reads", "Use kafka"],
  "feature_views[].stream.format": [
    "is no format that this version reads",
    "Use one of: json, avro, protobuf, debezium, debezium_avro",
  ],
  "server.auth": ["is no authentication of this version", "Write { keys: FILE }, { jwt: … } or both, or none"],
};

/** What to say of a key or value at `path` that is planned and not built; `shown` is the value, if it has one to show. */
export function notBuiltFault(path: string, shown?: string): Fault | undefined {
  const [what, remedy] = NOT_BUILT[path.replaceAll(/\[\d+\]/g, "[]")] ?? [];
  if (what === undefined || remedy === undefined) return undefined;
  return new Fault(shown !== undefined && what.startsWith("is no ") ? `is ${shown}, which ${what}` : what, remedy);
}
