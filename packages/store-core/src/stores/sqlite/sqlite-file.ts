import { DatabaseSync } from "node:sqlite";
import type { SqliteFailure } from "./sqlite-protocol.ts";

/** "LRDR": marks the file as ours, so that no other program's database is ever written to. */
const APPLICATION_ID = 0x4c524452;

/** Version of the tables below. */
const TABLES_VERSION = 1;

const TABLES = `
  CREATE TABLE rows (
    project TEXT NOT NULL, tenant TEXT NOT NULL, view TEXT NOT NULL, entity_key TEXT NOT NULL,
    bytes BLOB NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (project, tenant, view, entity_key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE meta (
    scope TEXT NOT NULL, name TEXT NOT NULL,
    bytes BLOB NOT NULL,
    revision TEXT NOT NULL,
    PRIMARY KEY (scope, name)
  ) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${TABLES_VERSION};
`;

/** Why a file cannot be the store's. */
export type Refusal = "foreign" | "newer" | "no_wal";

/** Opens the file for writing, with its tables, making it where it is missing; or says why it is not for us. Throws what SQLite throws. */
export function openForWriting(path: string, busyMs: number): DatabaseSync | Refusal {
  const db = new DatabaseSync(path, { timeout: busyMs });
  try {
    const refusal = prepareTables(db) ?? (useWal(db) ? undefined : "no_wal");
    if (refusal === undefined) return db;
    db.close();
    return refusal;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Opens the file for reading, after a writer has opened it. A lock is never waited for here, since that would stop the event loop. The file is not
 * mapped into memory: that reads single rows somewhat faster, but whoever truncates the file then kills this process.
 */
export function openForReading(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true, timeout: 0 });
}

/** The result code and text of what `node:sqlite` threw. */
export function failureOf(error: unknown): SqliteFailure {
  const errcode = typeof error === "object" && error !== null && "errcode" in error ? error.errcode : undefined;
  return {
    errcode: typeof errcode === "number" ? errcode : undefined,
    message: error instanceof Error ? error.message : String(error),
  };
}

/** True for SQLITE_BUSY and SQLITE_LOCKED: another connection holds the lock. */
export function isBusy({ errcode }: SqliteFailure): boolean {
  return errcode !== undefined && ((errcode & 0xff) === 5 || (errcode & 0xff) === 6);
}

function prepareTables(db: DatabaseSync): Refusal | undefined {
  db.exec("BEGIN IMMEDIATE");
  try {
    const found = identify(db);
    if (found === "empty") db.exec(TABLES);
    db.exec("COMMIT");
    return found === "empty" || found === "ours" ? undefined : found;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function identify(db: DatabaseSync): "empty" | "ours" | "foreign" | "newer" {
  const id = pragma(db, "application_id");
  if (id === APPLICATION_ID) return pragma(db, "user_version") === TABLES_VERSION ? "ours" : "newer";
  const objects = db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"];
  return id === 0 && objects === 0 ? "empty" : "foreign";
}

/**
 * WAL lets readers go on while a writer writes; NORMAL cannot lose what was committed when the process dies, only when the machine does.
 * What is deleted is overwritten with zeros, so that an erased row does not stay in the file's free space.
 */
function useWal(db: DatabaseSync): boolean {
  const mode = db.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
  db.exec("PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864; PRAGMA secure_delete = ON");
  return mode === "wal";
}

function pragma(db: DatabaseSync, name: string): unknown {
  return db.prepare(`PRAGMA ${name}`).get()?.[name];
}
