import { dirname, join, resolve } from "node:path";
import { LarderError } from "@larder/schema";
import { parse } from "yaml";
import type { DraftFile } from "./draft.ts";
import type { ImportNotes } from "./import-notes.ts";
import { isFolder, readUpTo } from "./read-file.ts";

/** What the command names: a registry, or a Feast repository by its folder. */
export interface FeastRepo {
  /** Absolute path of the registry file. */
  readonly registry: string;
  /** The folder that relative paths of sources count from, where it is known. */
  readonly folder: string | undefined;
  readonly project: string | undefined;
  /** Feast's `online_store`; undefined without a repository. */
  readonly onlineStore: Readonly<Record<string, unknown>> | undefined;
  readonly keyVersion: number | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Feast's own feature_store.yaml is a page of settings. */
const MAX_YAML_BYTES = 32 * 1024;

/**
 * Finds the registry, and reads the repository's `feature_store.yaml` where a folder is named.
 * @throws CONFIG_UNREADABLE, UNSUPPORTED for a registry that is no file
 */
export async function openFeastRepo(path: string, env: Environment): Promise<FeastRepo> {
  if (!(await isFolder(path))) {
    return { registry: path, folder: undefined, project: undefined, onlineStore: undefined, keyVersion: undefined };
  }
  const file = join(path, "feature_store.yaml");
  const settings = parseSettings(file, await readUpTo(file, MAX_YAML_BYTES));
  const { registry, project, entity_key_serialization_version: version } = settings;
  const online = settings["online_store"] ?? "sqlite";
  return {
    registry: resolve(dirname(file), registryPath(registry, file, env)),
    folder: path,
    project: typeof project === "string" ? expand(project, env) : undefined,
    onlineStore: isMap(online) ? online : { type: online },
    keyVersion: typeof version === "number" ? version : undefined,
  };
}

/** Settings of Redis that mean the same here. */
const CARRIED = ["connection_string", "redis_type", "sentinel_master", "key_ttl_seconds"] as const;

/**
 * The file's online store: Feast's Redis with Feast's layout. `connection` is what the command said.
 */
export function carryOnlineStore(
  repo: FeastRepo,
  connection: string | undefined,
  env: Environment,
  notes: ImportNotes,
): Pick<DraftFile, "online_store" | "entity_key_serialization_version"> {
  const feast = repo.onlineStore ?? { type: "redis" };
  const subject = "online store";
  if (connection === undefined && feast["type"] !== "redis") {
    const type = typeof feast["type"] === "string" ? feast["type"] : "of another type";
    notes.changed(
      subject,
      `is ${type} in Feast, whose rows Larder does not read: it is SQLite here, to be materialized`,
    );
    return { online_store: { type: "sqlite" } };
  }
  if (repo.onlineStore === undefined && connection === undefined) {
    notes.changed(
      subject,
      "is not in a registry; Feast's default is taken: say where Redis is with --connection-string",
    );
  }
  const store: Record<string, string | number> = { type: "redis" };
  for (const key of CARRIED) {
    const value = feast[key];
    if (typeof value === "string") store[key] = portable(value, env);
    if (typeof value === "number") store[key] = value;
  }
  store["connection_string"] = connection ?? store["connection_string"] ?? "localhost:6379";
  const known: readonly string[] = ["type", ...CARRIED];
  for (const key of Object.keys(feast).filter((each) => !known.includes(each))) {
    notes.changed(subject, `loses ${JSON.stringify(key)}, which is no key here`);
  }
  const version = repo.keyVersion ?? 3;
  if (version < 2 || version > 3) {
    notes.changed(
      subject,
      `has entity keys of version ${version}, in which Larder does not read Feast's rows: they are packed here, to be materialized`,
    );
    const { key_ttl_seconds: _ttl, ...packed } = store;
    return { online_store: { ...packed, layout: "packed" } };
  }
  return {
    online_store: { ...store, layout: "feast" },
    ...(version === 3 ? {} : { entity_key_serialization_version: version }),
  };
}

function parseSettings(file: string, bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw unreadable(
      file,
      `is not YAML (${cause instanceof Error ? cause.message.split("\n", 1)[0] : "unknown"})`,
      cause,
    );
  }
  if (!isMap(value)) throw unreadable(file, "is not a map");
  return value;
}

function registryPath(registry: unknown, file: string, env: Environment): string {
  const settings = isMap(registry) ? registry : { path: registry };
  const { registry_type: type = "file", path } = settings;
  if (type === "file" && typeof path === "string") {
    const expanded = expand(path, env);
    if (!/^(?!file:)[a-z][a-z0-9+.-]*:\/\//i.test(expanded)) return expanded.replace(/^file:\/\//, "");
  } else if (type === "file") throw unreadable(file, "names no registry");
  throw new LarderError("UNSUPPORTED", {
    what: `The registry that ${file} names is not a local file`,
    remedy: "Put it into one (docs/feast.md says how) and name that file",
    facts: { file },
  });
}

/** Feast expands variables that are set, over the whole file, and leaves others as they are. */
function expand(text: string, env: Environment): string {
  return text.replace(VARIABLE, (whole, bare: string | undefined, braced: string | undefined) => {
    return env[bare ?? braced ?? ""] ?? whole;
  });
}

/** The same text for Larder's loader, which expands only `${NAME}`: the file goes on taking its variables from outside. */
function portable(text: string, env: Environment): string {
  return text.replace(VARIABLE, (whole, bare: string | undefined, braced: string | undefined) => {
    const name = bare ?? braced ?? "";
    if (env[name] !== undefined) return `\${${name}}`;
    return whole.startsWith("${") ? `$${whole}` : whole;
  });
}

const VARIABLE = /\$(?:(\w+)|\{([^}]*)\})/g;

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unreadable(file: string, why: string, cause?: unknown): LarderError {
  return new LarderError("CONFIG_UNREADABLE", {
    what: `${file} ${why}`,
    remedy: "Name the folder of a Feast repository, or its registry file",
    facts: { file },
    ...(cause === undefined ? {} : { cause }),
  });
}
