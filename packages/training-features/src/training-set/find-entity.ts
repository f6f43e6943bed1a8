import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type Definitions, type ErrorCode, isLarderError, type KeyType, LarderError } from "@larder/schema";
import { readKey } from "../offline/column-type.ts";
import { aborted } from "../offline/duckdb-error.ts";
import { openDuckDb } from "../offline/duckdb-session.ts";
import type { EngineCall, OfflineEngine } from "../offline/offline-engine.ts";
import { quoteName, quoteText, readParquet } from "../offline/sql-text.ts";
import type { TrainingSetManifest } from "./manifest.ts";
import { readManifest } from "./read-manifest.ts";

/** Whom to look for, and where. */
export interface FindEntityRequest {
  readonly definitions: Definitions;
  readonly tenant: string;
  /** Join key -> value; an entity is found by all of them. */
  readonly entity: Readonly<Record<string, unknown>>;
  /** Absolute. Folders below it are looked through, but not hidden ones and `node_modules`. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
}

/** What was found. Paths are absolute. */
export interface FoundEntity {
  /** The training sets of this project and tenant that contain the entity. */
  readonly found: readonly FoundTrainingSet[];
  /** Those that could not be looked into: somebody has to look by other means. */
  readonly unread: readonly { readonly manifest: string; readonly reason: string }[];
  /** Manifests of this project and tenant. */
  readonly looked: number;
}

/** A training set that contains the entity. */
export interface FoundTrainingSet {
  readonly manifest: string;
  readonly file: string;
  readonly rows: number;
}

/** Folders below each other, and entries in all, that a search goes through: more is no folder of training sets. */
const MAX_DEPTH = 16;
const MAX_ENTRIES = 200_000;

/** What ends the search; anything else is the matter of one training set. */
const FATAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["ABORTED", "MISSING_DEPENDENCY"]);

/**
 * Finds the training sets below a folder whose Parquet contains an entity: by their manifests, which name the columns of its join keys. DuckDB is
 * loaded only if there are any.
 * @throws SOURCE_NOT_FOUND for a folder that is not there, UNSUPPORTED for one with too many entries, MISSING_DEPENDENCY, ABORTED
 */
export async function findInTrainingSets(request: FindEntityRequest): Promise<FoundEntity> {
  const { definitions, tenant, signal } = request;
  const found: FoundTrainingSet[] = [];
  const unread: { manifest: string; reason: string }[] = [];
  let looked = 0;
  let engine: OfflineEngine | undefined;
  try {
    for (const path of await manifestsBelow(request.folder, signal)) {
      try {
        const manifest = await readManifest(path);
        if (manifest === undefined || manifest.project !== definitions.project || manifest.tenant !== tenant) continue;
        looked++;
        engine ??= await openDuckDb();
        const file = resolve(dirname(path), manifest.output.path);
        // A set in parts; its entities are in the parts themselves, not in the folders' names.
        const parts = manifest.output.files?.map(({ path: part }) => join(file, part));
        const rows = await countRows(engine, request, manifest, parts ?? [file]);
        if (rows > 0) found.push({ manifest: path, file, rows });
      } catch (error) {
        if (!isLarderError(error) || FATAL.has(error.code)) throw error;
        unread.push({ manifest: path, reason: error.what });
      }
    }
  } finally {
    await engine?.close();
  }
  return { found, unread, looked };
}

/** Manifests below a folder, sorted by path. */
async function manifestsBelow(root: string, signal: AbortSignal | undefined): Promise<string[]> {
  const manifests: string[] = [];
  let seen = 0;
  const walk = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await entriesOf(folder, folder === root)) {
      if (++seen > MAX_ENTRIES || depth > MAX_DEPTH) throw tooMany(root);
      const path = join(folder, entry.name);
      if (entry.isFile() && entry.name.endsWith(".manifest.json")) manifests.push(path);
      if (entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules") {
        if (signal?.aborted === true) throw aborted(signal.reason);
        await walk(path, depth + 1);
      }
    }
  };
  await walk(root, 0);
  return manifests.sort();
}

async function entriesOf(folder: string, isRoot: boolean): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    // A folder that went away meanwhile.
    if (!isRoot && code === "ENOENT") return [];
    throw new LarderError("SOURCE_NOT_FOUND", {
      what: `The folder ${folder} cannot be looked through for training sets (${String(code)})`,
      remedy: "Name the folder that the training sets are in, and see that it can be read",
      facts: { folder },
      cause,
    });
  }
}

/** Rows whose columns for all join keys have the entity's values, by any view's names for them. */
async function countRows(
  engine: OfflineEngine,
  { definitions, entity, signal }: FindEntityRequest,
  manifest: TrainingSetManifest,
  files: readonly string[],
): Promise<number> {
  const [file = ""] = files;
  if (file === "") return 0;
  if (!file.endsWith(".parquet")) {
    throw new LarderError("UNSUPPORTED", {
      what: `${basename(file)} is no Parquet, and only that is searched`,
      remedy: "Build the training set again without the entity",
      facts: { file },
    });
  }
  const call: EngineCall = { subject: { kind: "source", view: "training set", files }, signal };
  const names = Object.keys(entity);
  const described = await engine.rows(`DESCRIBE SELECT * FROM ${readParquet(files)}`, call);
  const types = new Map(described.map((row) => [String(row["column_name"]), String(row["column_type"])]));
  const mappings = [Object.fromEntries(names.map((name) => [name, name])), ...manifest.views.map((v) => v.join_keys)];
  const conditions = new Set<string>();
  for (const mapping of mappings) {
    const columns = names.map((name) => (Object.hasOwn(mapping, name) ? mapping[name] : undefined));
    if (columns.some((column) => column === undefined || !types.has(column))) continue;
    const equal = names.map((name, i) => {
      const column = columns[i]!;
      return `(${equalities(definitions, name, column, types.get(column)!, entity[name]).join(" OR ")})`;
    });
    conditions.add(`(${equal.join(" AND ")})`);
  }
  if (conditions.size === 0) return 0;
  const where = [...conditions].join(" OR ");
  const [counted] = await engine.rows(`SELECT count(*) AS rows FROM ${readParquet(files)} WHERE ${where}`, call);
  return Number(counted?.["rows"] ?? 0);
}

/** The column equals the value, read as each type that the join key is declared with. */
function equalities(definitions: Definitions, name: string, column: string, found: string, value: unknown): string[] {
  const types = new Set<KeyType>();
  for (const { joinKeys } of definitions.entities.values()) {
    for (const key of joinKeys) if (key.name === name) types.add(key.type === "int32" ? "int64" : key.type);
  }
  const equal = [...types].flatMap((type) => {
    const reading = readKey(quoteName(column), found, type);
    const literal = literalOf(type, value);
    return reading === undefined || literal === undefined ? [] : [`${reading.value} = ${literal}`];
  });
  return equal.length === 0 ? ["false"] : equal;
}

/** The value of a join key in SQL; undefined when it is none of the type. */
export function literalOf(type: KeyType, value: unknown): string | undefined {
  if (type === "string") return typeof value === "string" ? quoteText(value) : undefined;
  if (type === "bytes") {
    const bytes = typeof value === "string" ? Buffer.from(value, "base64") : value;
    return bytes instanceof Uint8Array ? `unhex('${Buffer.from(bytes).toString("hex")}')` : undefined;
  }
  const text = String(value);
  return /^-?\d{1,19}$/.test(text) ? `CAST(${quoteText(text)} AS BIGINT)` : undefined;
}

function tooMany(folder: string): LarderError {
  return new LarderError("UNSUPPORTED", {
    what: `${folder} has more than ${MAX_ENTRIES} entries, or folders more than ${MAX_DEPTH} deep`,
    remedy: "Name the folder that the training sets are in",
    facts: { folder },
  });
}
