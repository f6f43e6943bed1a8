import { LarderError } from "@larder/schema";
import type { SqliteFailure, WriterMessage } from "./sqlite-protocol.ts";

/** Primary result codes of SQLite (https://sqlite.org/rescode.html) that mean something to the reader. */
const SQLITE = { PERM: 3, BUSY: 5, LOCKED: 6, READONLY: 8, CORRUPT: 11, FULL: 13, CANTOPEN: 14, AUTH: 23, NOTADB: 26 };

/** What a failure of SQLite means to a caller, with the file and the remedy. */
export function sqliteError(path: string, failure: SqliteFailure): LarderError {
  const facts = { path, sqlite: failure.errcode };
  const cause = failure.message;
  switch (failure.errcode === undefined ? undefined : failure.errcode & 0xff) {
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
      return lockTimeout(path);
    case SQLITE.PERM:
    case SQLITE.READONLY:
    case SQLITE.CANTOPEN:
    case SQLITE.AUTH:
      return new LarderError("STORE_MISCONFIGURED", {
        what: `The online store's file ${path} cannot be opened for writing (${failure.message})`,
        remedy: "Make the file and its folder writable, or set online_store.path to a file that can be written",
        facts,
        cause,
      });
    case SQLITE.NOTADB:
      return new LarderError("STORE_MISCONFIGURED", {
        what: `The online store's file ${path} is not a SQLite database`,
        remedy: "Set online_store.path to another file; Larder makes it",
        facts,
        cause,
      });
    case SQLITE.CORRUPT:
      return new LarderError("STORE_CORRUPT", {
        what: `The online store's file ${path} is damaged (${failure.message})`,
        remedy: "Stop every process that uses it, move the file away and materialize again",
        facts,
        cause,
      });
    case SQLITE.FULL:
      return new LarderError("STORE_UNAVAILABLE", {
        what: `The disk of the online store's file ${path} is full`,
        remedy: "Free space on that disk and repeat the call",
        facts,
        cause,
      });
    default:
      return new LarderError("STORE_UNAVAILABLE", {
        what: `The online store's file ${path} failed (${failure.message})`,
        remedy: "Check the disk that holds it and repeat the call",
        facts,
        cause,
      });
  }
}

/** Why the file was not opened. */
export function refusedError(path: string, message: Extract<WriterMessage, { kind: "refused" }>): LarderError {
  switch (message.reason) {
    case "failed":
      return sqliteError(path, message.failure);
    case "foreign":
      return new LarderError("STORE_MISCONFIGURED", {
        what: `The online store's file ${path} is a SQLite database of another program`,
        remedy: "Set online_store.path to another file; Larder makes it",
        facts: { path },
      });
    case "newer":
      return new LarderError("STORE_FORMAT_NEWER", {
        what: `The online store's file ${path} was made by a newer Larder`,
        remedy: "Upgrade Larder, or set online_store.path to another file and materialize again",
        facts: { path },
      });
    case "no_wal":
      return new LarderError("STORE_MISCONFIGURED", {
        what: `The file system of the online store's file ${path} does not support SQLite's write-ahead log`,
        remedy: "Set online_store.path to a file on a local disk, or use a redis online store",
        facts: { path },
      });
  }
}

/** The folder of the file cannot be made. */
export function folderError(path: string, cause: unknown): LarderError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LarderError("STORE_MISCONFIGURED", {
    what: `The folder of the online store's file ${path} cannot be made (${reason})`,
    remedy: "Make the folder writable, or set online_store.path to a file that can be written",
    facts: { path },
    cause,
  });
}

/** The wait for a lock, or for the writer's turn, came to the call's deadline. */
export function lockTimeout(path: string): LarderError {
  return new LarderError("STORE_TIMEOUT", {
    what: `The online store's file ${path} was busy until the call's deadline`,
    remedy: "Repeat the call; if it stays so, look for a process that holds a long transaction on the file",
    facts: { path },
  });
}
