import { rename, rm, stat, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isLarderError, SERVED_LOG_META, type ServedLogDescription } from "@larder/schema";
import { openDuckDb } from "../offline/duckdb-session.ts";
import type { OfflineEngine } from "../offline/offline-engine.ts";
import { quoteName, quoteText, readParquet } from "../offline/sql-text.ts";
import { literalOf } from "../training-set/find-entity.ts";
import { describeLogFiles, listLogFiles, logCall } from "./log-files.ts";

/** Whom to remove from a log of served vectors. */
export interface ForgetServedRequest {
  readonly project: string;
  readonly tenant: string;
  /** Join key -> value; rows are the entity's by all of them. */
  readonly entity: Readonly<Record<string, unknown>>;
  /** Absolute. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
}

/** What was removed. Paths are absolute. */
export interface ForgottenServed {
  readonly folder: string;
  /** Files that held the entity, and how many of their rows went. */
  readonly files: readonly { readonly file: string; readonly rows: number }[];
  /** Those that could not be looked into or written anew: somebody has to delete them. */
  readonly unread: readonly { readonly file: string; readonly reason: string }[];
}

/**
 * Removes an entity's rows from the files of a log: a file that has some is written anew beside itself and takes its own place, with its age; one that
 * has no others is deleted. DuckDB is loaded only if there are files. It may be repeated.
 * @throws MISSING_DEPENDENCY, ABORTED; SOURCE_NOT_FOUND for a folder that is there and cannot be read
 */
export async function forgetServed(request: ForgetServedRequest): Promise<ForgottenServed> {
  const { folder, signal } = request;
  const files: { file: string; rows: number }[] = [];
  const unread: { file: string; reason: string }[] = [];
  const found = await filesOf(folder);
  if (found.length === 0) return { folder, files, unread };
  await using engine = await openDuckDb();
  for (const file of found) {
    try {
      const rows = await cleanFile(engine, request, file);
      if (rows > 0) files.push({ file, rows });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      // Too old or too much, and so removed meanwhile by the server.
      if ((await stat(file).catch(() => undefined)) === undefined) continue;
      unread.push({ file, reason: isLarderError(error) ? error.what : String(error) });
    }
  }
  return { folder, files, unread };
}

/**
 * Fails before anything is erased where a log could not be cleaned afterwards.
 * @throws MISSING_DEPENDENCY where there are files and no DuckDB, SOURCE_NOT_FOUND for a folder that is there and cannot be read
 */
export async function requireServedLogAccess(folder: string): Promise<void> {
  if ((await filesOf(folder)).length > 0) await (await openDuckDb()).close();
}

/** A server that was never started has not made the folder. */
async function filesOf(folder: string): Promise<string[]> {
  return listLogFiles(folder).catch((error: unknown) => {
    if (isLarderError(error, "SOURCE_NOT_FOUND") && isMissing(error.cause)) return [];
    throw error;
  });
}

async function cleanFile(engine: OfflineEngine, request: ForgetServedRequest, file: string): Promise<number> {
  const { project, tenant, entity, signal } = request;
  const call = logCall([file], signal);
  const [described] = await describeLogFiles(engine, [file], signal);
  const description = described?.description as ServedLogDescription;
  const match = description.project === project ? entityPredicate(description, entity) : undefined;
  if (match === undefined) return 0;
  const gone = `coalesce(tenant = ${quoteText(tenant)} AND (${match}), false)`;
  const [counted] = await engine.rows(
    `SELECT count(*) AS n, count(*) FILTER (${gone}) AS gone FROM ${readParquet([file])}`,
    call,
  );
  const rows = Number(counted?.["gone"]);
  if (rows === 0) return 0;
  if (rows === Number(counted?.["n"])) {
    await rm(file);
    return rows;
  }
  const part = join(dirname(file), `.${basename(file)}.0.tmp`);
  try {
    const meta = `{${quoteText(SERVED_LOG_META)}: ${quoteText(JSON.stringify(description))}}`;
    await engine.run(
      `COPY (SELECT * FROM ${readParquet([file])} WHERE NOT ${gone}) TO ${quoteText(part)} (FORMAT parquet, KV_METADATA ${meta})`,
      { ...call, subject: { kind: "output", path: part } },
    );
    // It goes when its rows are old, not when this is.
    const { atime, mtime } = await stat(file);
    await utimes(part, atime, mtime);
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
  return rows;
}

/** Rows of which some view's join keys have the entity's values; undefined where no view of the file has such keys. */
function entityPredicate(
  { join_keys, features }: ServedLogDescription,
  entity: Readonly<Record<string, unknown>>,
): string | undefined {
  const names = Object.keys(entity);
  const mappings = [
    Object.fromEntries(join_keys.map(({ name }) => [name, name])),
    ...features.flatMap((feature) => (feature.kind === "stored" ? [feature.join_keys] : [])),
  ];
  const conditions = new Set<string>();
  for (const mapping of mappings) {
    const keys = names.map((name) => {
      const mapped = Object.hasOwn(mapping, name) ? mapping[name] : undefined;
      return join_keys.find((key) => key.name === mapped);
    });
    const equal = keys.map((key, i) => {
      const literal = key === undefined ? undefined : literalOf(key.type, entity[names[i] as string]);
      return key === undefined || literal === undefined ? undefined : `${quoteName(key.column)} = ${literal}`;
    });
    if (!equal.includes(undefined)) conditions.add(`(${equal.join(" AND ")})`);
  }
  return conditions.size === 0 ? undefined : [...conditions].join(" OR ");
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}
