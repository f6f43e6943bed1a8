import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import type { PutOutcome } from "../../row-store.ts";
import { failureOf, isBusy, openForWriting } from "./sqlite-file.ts";
import {
  sharedNow,
  type WriterAnswers,
  type WriterMessage,
  type WriterRequest,
  type WriterStart,
  type WriterWork,
} from "./sqlite-protocol.ts";

/**
 * The thread that writes. Work is done one transaction at a time, in the order it came; a lock held by another process is waited for here, in
 * short slices until the work's deadline, so that no event loop that serves callers ever waits.
 */

const LOCK_SLICE_MS = 20;

const PK = "project = ? AND tenant = ? AND view = ? AND entity_key = ?";

const start = workerData as WriterStart;
const port = parentPort;
if (port === null) throw new Error("sqlite-writer.ts runs as a worker thread");
const say = (message: WriterMessage): void => port.postMessage(message);

const db = await open();
if (db !== undefined) {
  const statements = prepare(db);
  let tail = Promise.resolve();
  port.on("message", (request: WriterRequest | "close") => {
    tail = tail.then(() => (request === "close" ? end(db) : run(db, statements, request)));
  });
  say({ kind: "opened" });
}

type Statements = ReturnType<typeof prepare>;

function prepare(db: DatabaseSync) {
  return {
    begin: db.prepare("BEGIN IMMEDIATE"),
    commit: db.prepare("COMMIT"),
    stored: db.prepare(`SELECT bytes FROM rows WHERE ${PK}`),
    put: db.prepare(`INSERT INTO rows (project, tenant, view, entity_key, bytes, expires_at) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET bytes = excluded.bytes, expires_at = excluded.expires_at`),
    deleteRow: db.prepare(`DELETE FROM rows WHERE ${PK}`),
    removeRow: db.prepare(`DELETE FROM rows WHERE ${PK} AND bytes = ?`),
    deleteRows: db.prepare(`DELETE FROM rows WHERE project = ?1 AND tenant = ?2 AND view = ?3 AND entity_key IN
      (SELECT entity_key FROM rows WHERE project = ?1 AND tenant = ?2 AND view = ?3 LIMIT ?4)`),
    sweepPage: db.prepare(`SELECT project, tenant, view, entity_key, expires_at < ? AS expired FROM rows
      WHERE (project, tenant, view, entity_key) > (?, ?, ?, ?) ORDER BY project, tenant, view, entity_key LIMIT ?`),
    insertMeta: db.prepare(
      "INSERT INTO meta (scope, name, bytes, revision) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    ),
    updateMeta: db.prepare("UPDATE meta SET bytes = ?, revision = ? WHERE scope = ? AND name = ? AND revision = ?"),
    deleteMeta: db.prepare("DELETE FROM meta WHERE scope = ? AND name = ?"),
  };
}

async function open(): Promise<DatabaseSync | undefined> {
  const deadline = sharedNow() + start.openWaitMs;
  for (;;) {
    try {
      const opened = openForWriting(start.path, LOCK_SLICE_MS);
      if (typeof opened !== "string") return opened;
      say({ kind: "refused", reason: opened, failure: { errcode: undefined, message: opened } });
      return undefined;
    } catch (error) {
      const failure = failureOf(error);
      // Two processes that switch a new file to WAL at once are told "busy" at once, without SQLite's own wait.
      if (isBusy(failure) && sharedNow() < deadline) {
        await delay(5);
        continue;
      }
      say({ kind: "refused", reason: "failed", failure });
      return undefined;
    }
  }
}

function end(db: DatabaseSync): void {
  db.close();
  port?.close();
}

async function run(db: DatabaseSync, statements: Statements, { id, deadline, work }: WriterRequest): Promise<void> {
  for (;;) {
    if (sharedNow() >= deadline) return say({ kind: "timeout", id });
    try {
      return say({ kind: "done", id, answer: transact(db, statements, work) });
    } catch (error) {
      const failure = failureOf(error);
      if (!isBusy(failure)) return say({ kind: "failed", id, failure });
      await delay(0);
    }
  }
}

function transact(db: DatabaseSync, statements: Statements, work: WriterWork): WriterAnswers[keyof WriterAnswers] {
  statements.begin.run();
  try {
    const answer = perform(statements, work);
    statements.commit.run();
    return answer;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function perform(statements: Statements, work: WriterWork): WriterAnswers[keyof WriterAnswers] {
  switch (work.kind) {
    case "put":
      return put(statements, work);
    case "deleteRows": {
      const { project, tenant, view } = work.scope;
      if (work.entityKey === undefined) {
        return Number(statements.deleteRows.run(project, tenant, view, work.limit).changes);
      }
      return Number(statements.deleteRow.run(project, tenant, view, work.entityKey).changes);
    }
    case "removeRows": {
      const { project, tenant, view } = work.scope;
      return work.entityKeys.map(
        (key, i) => statements.removeRow.run(project, tenant, view, key, work.bytes[i] as Uint8Array).changes === 1,
      );
    }
    case "putMeta": {
      const { scope, name, bytes, expected, revision } = work;
      if (expected === undefined) return statements.insertMeta.run(scope, name, bytes, revision).changes === 1;
      return statements.updateMeta.run(bytes, revision, scope, name, expected).changes === 1;
    }
    case "deleteMeta":
      statements.deleteMeta.run(work.scope, work.name);
      return undefined;
  }
}

/** The write lock is held, so reading the stored row, comparing and writing are one step. */
function put(statements: Statements, work: Extract<WriterWork, { kind: "put" }>): PutOutcome[] {
  const { project, tenant, view } = work.scope;
  let from = 0;
  const outcomes = work.entityKeys.map((entityKey, i): PutOutcome => {
    const bytes = work.bytes.subarray(from, work.ends[i]);
    from = work.ends[i] as number;
    const stored = statements.stored.get(project, tenant, view, entityKey);
    const outcome = stored === undefined ? "applied" : compare(bytes, stored["bytes"] as Uint8Array);
    if (outcome === "applied" || outcome === "applied_conflict") {
      const expiresAt = work.expiresAt[i] as number;
      statements.put.run(project, tenant, view, entityKey, bytes, Number.isNaN(expiresAt) ? null : expiresAt);
    }
    return outcome;
  });
  sweep(statements, work.entityKeys.length, work.sweepBefore);
  return outcomes;
}

function compare(bytes: Uint8Array, stored: Uint8Array): PutOutcome {
  const order = Buffer.compare(bytes, stored);
  if (order === 0) return "duplicate";
  const tie = Buffer.compare(bytes.subarray(0, start.orderPrefix), stored.subarray(0, start.orderPrefix)) === 0;
  if (order > 0) return tie ? "applied_conflict" : "applied";
  return tie ? "stale_conflict" : "stale";
}

const BEGINNING = ["", "", "", ""];

let swept: readonly SQLOutputValue[] = BEGINNING;

/**
 * Walks the table in circles, two rows per row written, and removes those that have expired: the cost of a write stays in proportion to its
 * size, and expired rows never pile up beyond what was written since they expired.
 */
function sweep(statements: Statements, written: number, before: number): void {
  const limit = 2 * written;
  const page = statements.sweepPage.all(before, ...swept, limit).map((row) => Object.values(row));
  for (const [project, tenant, view, entityKey, expired] of page) {
    if (expired === 1) {
      statements.deleteRow.run(project as string, tenant as string, view as string, entityKey as string);
    }
  }
  const last = page.at(-1);
  swept = last === undefined || page.length < limit ? BEGINNING : last.slice(0, 4);
}
