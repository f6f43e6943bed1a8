import { FeatureStoreFile } from "../definition-schema.ts";
import type { Notice } from "../definitions.ts";
import type { ProblemList } from "../problem-list.ts";
import type { Environment } from "../yaml/expand-variables.ts";
import { keyPath, type MapEntry, type MapNode, type PlacedNode } from "../yaml/placed-node.ts";
import { nearest } from "./nearest.ts";

/** True for a file that Feast wrote or reads: it names a registry or a provider. */
export function isFeastFile(root: PlacedNode): root is MapNode {
  return root.kind === "map" && (root.entries.has("registry") || root.entries.has("provider"));
}

/** A Feast file turned into ours: what means something stays, the rest becomes notices with the reason. */
export function readFeastFile(
  root: MapNode,
  problems: ProblemList,
  env: Environment,
): { readonly root: MapNode; readonly notices: readonly Notice[] } {
  const reader = new FeastReader(problems);
  refuseBareVariables(root, problems, env);
  return { root: reader.readTop(root), notices: reader.notices };
}

const TOP: Readonly<Record<string, string>> = {
  registry: "definitions are read from this file, not from a registry",
  provider: "Larder runs where it is started",
  batch_engine: "Larder materializes with its own engine",
  auth: "Larder's own authentication is under server.auth",
  feature_server: "Larder's own server is under server",
  coerce_tz_aware: "times without an offset are always UTC",
  materialization: "Larder always writes the latest rows, in batches of its own",
  flags: "Feast's flags switch nothing in Larder",
  embedding_model: "Larder has no embeddings",
  openlineage: "Larder sends no lineage",
  mlflow: "Larder does not talk to MLflow",
  data_quality_monitoring: "Larder has no such checks",
};

/** Of layout packed only; layout feast takes it. */
const OWN_REDIS: Readonly<Record<string, string>> = {
  key_ttl_seconds: "rows expire by their view's online_ttl",
};

const SHARED_REDIS: Readonly<Record<string, string>> = {
  full_scan_for_deletion: "a reset touches one view of one tenant only",
  skip_dedup: "the newest row always wins",
  client: "Larder has one Redis client",
};

const SQLITE: Readonly<Record<string, string>> = {
  vector_enabled: "Larder has no vector search",
  similarity: "Larder has no vector search",
  text_search_enabled: "Larder has no text search",
  enable_openai_compatible_store: "Larder has no vector search",
};

const OFFLINE: Readonly<Record<string, string>> = {
  staging_location: "Larder needs no staging",
  staging_location_endpoint_override: "Larder needs no staging",
};

const KEY_VERSION = "entity_key_serialization_version";

class FeastReader {
  readonly notices: Notice[] = [];
  readonly #problems: ProblemList;

  constructor(problems: ProblemList) {
    this.#problems = problems;
  }

  readTop(root: MapNode): MapNode {
    const entries = new Map<string, MapEntry>();
    const known = Object.keys(FeatureStoreFile.properties);
    for (const [key, entry] of root.entries) {
      const reason = reasonFor(TOP, key);
      if (reason !== undefined) this.#ignore(entry, reason);
      else if (key === "project_description") entries.set("description", entry);
      else if (key === KEY_VERSION) this.#readKeyVersion(entries, entry, root);
      else if (key === "online_store") this.#set(entries, key, entry, this.#readOnlineStore(entry.value));
      else if (key === "offline_store") this.#set(entries, key, entry, this.#readOfflineStore(entry.value));
      else if (known.includes(key) || nearest(key, known) !== undefined) entries.set(key, entry);
      else this.#ignore(entry, "neither Larder nor this version's list of Feast's keys knows it");
    }
    return { ...root, entries };
  }

  #readOnlineStore(node: PlacedNode): PlacedNode {
    if (isNothing(node)) {
      this.#problems.add(node, "switches the online store off", "Name one: type memory, sqlite or redis");
      return { kind: "broken", place: node.place, field: node.field };
    }
    const store = withType(node);
    if (store.kind !== "map") return store;
    const type = wordOf(store, "type");
    if (type === "sqlite") {
      this.#note(store, "Larder keeps its own tables in this file and does not read the rows Feast wrote there");
      return this.#drop(store, SQLITE);
    }
    if (type !== "redis") return store;
    this.#checkRedis(store);
    const shared = wordOf(store, "layout") === "feast";
    return this.#drop(store, shared ? SHARED_REDIS : { ...SHARED_REDIS, ...OWN_REDIS });
  }

  #checkRedis(store: MapNode): void {
    if (store.entries.has("layout")) return;
    const at = { place: store.place, field: keyPath(store.field, "layout") };
    const remedy = "Write layout: packed for a store that Larder fills, or layout: feast to share Feast's rows";
    this.#problems.add(at, "is missing, and packed rows would read NOT_FOUND where Feast wrote its own", remedy);
  }

  #readOfflineStore(node: PlacedNode): PlacedNode {
    const store = isNothing(node) ? node : withType(node);
    if (store.kind !== "map") return store;
    const type = wordOf(store, "type");
    if (type === "duckdb") return this.#drop(store, OFFLINE);
    this.#note(store, `${JSON.stringify(type ?? "this type")} is not used: Larder reads Parquet files with DuckDB`);
    const at = { place: store.place, field: keyPath(store.field, "type") };
    const value: PlacedNode = { kind: "scalar", ...at, value: "duckdb", source: "duckdb" };
    return { ...store, entries: new Map([["type", { key: at, value }]]) };
  }

  /** It means something only where rows are shared with Feast. */
  #readKeyVersion(entries: Map<string, MapEntry>, entry: MapEntry, root: MapNode): void {
    const store = root.entries.get("online_store")?.value;
    if (store?.kind === "map" && wordOf(store, "layout") === "feast") entries.set(KEY_VERSION, entry);
    else this.#ignore(entry, "Larder's packed rows have keys of their own");
  }

  #drop(store: MapNode, reasons: Readonly<Record<string, string>>): MapNode {
    const entries = new Map<string, MapEntry>();
    for (const [key, entry] of store.entries) {
      const reason = reasonFor(reasons, key);
      if (reason !== undefined) this.#ignore(entry, reason);
      else entries.set(key, entry);
    }
    return { ...store, entries };
  }

  #set(entries: Map<string, MapEntry>, key: string, entry: MapEntry, value: PlacedNode): void {
    const nothing = value.kind === "scalar" && isNothing(value);
    if (nothing) this.#ignore(entry, "it names none");
    else entries.set(key, { key: entry.key, value });
  }

  #ignore(entry: MapEntry, reason: string): void {
    this.notices.push({ place: entry.key.place, field: entry.key.field, what: `is ignored: ${reason}` });
  }

  #note(node: PlacedNode, what: string): void {
    this.notices.push({ place: node.place, field: node.field, what });
  }
}

/** Feast also expands $NAME, wherever the variable is set; there the text would mean two things. */
function refuseBareVariables(node: PlacedNode, problems: ProblemList, env: Environment): void {
  if (node.kind === "list") for (const item of node.items) refuseBareVariables(item, problems, env);
  if (node.kind === "map") for (const { value } of node.entries.values()) refuseBareVariables(value, problems, env);
  if (node.kind !== "scalar") return;
  for (const [, name = ""] of node.source.matchAll(/\$([A-Za-z_]\w*)/g)) {
    if (env[name] === undefined) continue;
    problems.add(node, `has $${name}, which Feast expands and Larder does not`, `Write \${${name}}`);
  }
}

function reasonFor(reasons: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(reasons, key) ? reasons[key] : undefined;
}

/** Feast takes `online_store: redis` for `{type: redis}`. */
function withType(node: PlacedNode): PlacedNode {
  if (node.kind !== "scalar" || typeof node.value !== "string") return node;
  const at = { place: node.place, field: keyPath(node.field, "type") };
  return {
    kind: "map",
    place: node.place,
    field: node.field,
    entries: new Map([["type", { key: at, value: { ...node, ...at } }]]),
  };
}

function isNothing(node: PlacedNode): boolean {
  return node.kind === "scalar" && (node.value === null || node.value === "none");
}

function wordOf(node: MapNode, key: string): string | undefined {
  const value = node.entries.get(key)?.value;
  return value?.kind === "scalar" && typeof value.value === "string" ? value.value : undefined;
}
