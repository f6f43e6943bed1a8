import { randomUUID } from "node:crypto";
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay, setImmediate as yieldTurn } from "node:timers/promises";
import { type Clock, type OnlineStoreConfig, systemClock } from "@larder/schema";
import { type Call, refuseEnded, storeClosed } from "../../call.ts";
import { ORDER_PREFIX } from "../../row/row-layout.ts";
import type {
  MetaScope,
  MetaValue,
  PageScope,
  PutOutcome,
  RowGet,
  RowPage,
  RowScope,
  RowSlices,
  RowStore,
  RowUsage,
  ScannedRow,
  StoredRow,
  ViewScope,
} from "../../row-store.ts";
import { measurePages } from "../../upkeep/measure-pages.ts";
import type { Pace } from "../../upkeep/pace.ts";
import { folderError, lockTimeout, sqliteError } from "./sqlite-errors.ts";
import { failureOf, isBusy, openForReading } from "./sqlite-file.ts";
import type { WriterWork } from "./sqlite-protocol.ts";
import { type SqliteWriter, startSqliteWriter } from "./sqlite-writer-client.ts";

type SqliteConfig = Extract<OnlineStoreConfig, { type: "sqlite" }>;

/** Longest wait for other processes that are opening the same file. */
const OPEN_WAIT_MS = 5_000;

/** Cells read, rows scanned and rows deleted before other work gets its turn. */
const READ_STEP = 500;
const SCAN_STEP = 500;
const DELETE_STEP = 1_000;

/**
 * Opens the SQLite file of a configuration, making it and its folder where they are missing. Several processes may share the file. Writes run in
 * one thread of their own; reads run inline, since in WAL mode they never wait for a writer.
 * @throws STORE_MISCONFIGURED, STORE_FORMAT_NEWER, STORE_CORRUPT, STORE_TIMEOUT, STORE_UNAVAILABLE
 */
export async function openSqliteRowStore(config: SqliteConfig, physicalClock: Clock = systemClock): Promise<RowStore> {
  const { path } = config;
  try {
    await makeFolder(dirname(path));
  } catch (cause) {
    throw folderError(path, cause);
  }
  const writer = await startSqliteWriter({ path, openWaitMs: OPEN_WAIT_MS, orderPrefix: ORDER_PREFIX });
  let db: DatabaseSync | undefined;
  try {
    db = openForReading(path);
    return new SqliteRowStore(config, writer, db, physicalClock);
  } catch (error) {
    db?.close();
    await writer.close();
    throw sqliteError(path, failureOf(error));
  }
}

class SqliteRowStore implements RowStore {
  readonly capabilities = { maxBatchRows: 1_000, expiresRows: true, durable: true };
  readonly #config: SqliteConfig;
  readonly #writer: SqliteWriter;
  readonly #db: DatabaseSync;
  readonly #statements: ReturnType<typeof prepareReads>;
  readonly #clock: Clock;
  #closing: Promise<void> | undefined;

  constructor(config: SqliteConfig, writer: SqliteWriter, db: DatabaseSync, clock: Clock) {
    this.#config = config;
    this.#writer = writer;
    this.#db = db;
    this.#statements = prepareReads(db);
    this.#clock = clock;
  }

  async get({ project, tenant, groups }: RowGet, call: Call): Promise<RowSlices> {
    const cells = groups.reduce((sum, { views, entityKeys }) => sum + views.length * entityKeys.length, 0);
    const buffers = new Array<Uint8Array | undefined>(cells);
    const lengths = new Int32Array(cells);
    const deadline = this.#readDeadline(call);
    let cell = 0;
    for (const { views, entityKeys } of groups) {
      const keysPerStep = Math.max(1, Math.floor(READ_STEP / Math.max(1, views.length)));
      for (let from = 0; from < entityKeys.length; from += keysPerStep) {
        if (cell > 0) await yieldTurn();
        const first = cell;
        await this.#reading(
          call,
          () => {
            cell = first;
            for (const entityKey of entityKeys.slice(from, from + keysPerStep)) {
              for (const view of views) {
                const bytes = this.#statements.row.get(project, tenant, view, entityKey)?.["bytes"] as
                  | Uint8Array
                  | undefined;
                buffers[cell] = bytes;
                lengths[cell] = bytes === undefined ? -1 : bytes.byteLength;
                cell++;
              }
            }
          },
          deadline,
        );
      }
    }
    if (cells === 0) this.#check(call);
    return { buffers, offsets: new Int32Array(cells), lengths };
  }

  async putIfNewer(scope: ViewScope, rows: readonly StoredRow[], call: Call): Promise<readonly PutOutcome[]> {
    this.#check(call);
    if (rows.length === 0) return [];
    const { project, tenant, view } = scope;
    const ends = new Int32Array(rows.length);
    let end = 0;
    for (let i = 0; i < rows.length; i++) {
      end += (rows[i] as StoredRow).bytes.byteLength;
      ends[i] = end;
    }
    const bytes = new Uint8Array(end);
    for (let i = 0; i < rows.length; i++) bytes.set((rows[i] as StoredRow).bytes, i === 0 ? 0 : ends[i - 1]);
    return this.#write(call, {
      kind: "put",
      scope: { project, tenant, view },
      entityKeys: rows.map((row) => row.entityKey),
      bytes,
      ends,
      expiresAt: Float64Array.from(rows, (row) => row.expiresAt ?? Number.NaN),
      sweepBefore: this.#clock.now(),
    });
  }

  async *scan(scope: RowScope, call: Call): AsyncIterable<ScannedRow> {
    const { project, tenant, entityKey } = scope;
    const { row, firstPage, nextPage } = this.#statements;
    for (const view of await this.#viewsOf(scope, call)) {
      let last: string | undefined;
      for (let more = true; more; ) {
        const page = await this.#reading(call, () => {
          if (entityKey !== undefined) return row.all(project, tenant, view, entityKey);
          if (last === undefined) return firstPage.all(project, tenant, view, SCAN_STEP);
          return nextPage.all(project, tenant, view, last, SCAN_STEP);
        });
        for (const found of page) {
          last = found["entity_key"] as string;
          yield { view, entityKey: last, bytes: found["bytes"] as Uint8Array };
        }
        more = entityKey === undefined && page.length === SCAN_STEP;
        if (more) await yieldTurn();
      }
    }
  }

  async deleteScope(scope: RowScope, call: Call): Promise<number> {
    const { project, tenant, entityKey } = scope;
    let removed = 0;
    for (const view of await this.#viewsOf(scope, call)) {
      const work = { kind: "deleteRows", scope: { project, tenant, view }, entityKey, limit: DELETE_STEP } as const;
      for (let step = DELETE_STEP; step === DELETE_STEP; removed += step) step = await this.#write(call, work);
    }
    return removed;
  }

  /** By primary key; the cursor is the key of the last row that was looked at. */
  async page({ project, tenant, view }: PageScope, cursor: string | undefined, call: Call): Promise<RowPage> {
    const last = cursor === undefined ? [tenant ?? "", "", ""] : (JSON.parse(cursor) as string[]);
    const found = await this.#reading(call, () =>
      tenant === undefined
        ? this.#statements.projectPage.all(project, ...last, SCAN_STEP)
        : this.#statements.tenantPage.all(project, tenant, ...last.slice(1), SCAN_STEP),
    );
    const rows = found.map((row) => ({
      tenant: row["tenant"] as string,
      view: row["view"] as string,
      entityKey: row["entity_key"] as string,
      bytes: row["bytes"] as Uint8Array,
    }));
    const end = rows.at(-1);
    const next =
      end === undefined || rows.length < SCAN_STEP ? undefined : JSON.stringify([end.tenant, end.view, end.entityKey]);
    await yieldTurn();
    return { rows: view === undefined ? rows : rows.filter((row) => row.view === view), next };
  }

  async removeRows(
    { project, tenant, view }: ViewScope,
    rows: readonly Pick<StoredRow, "entityKey" | "bytes">[],
    call: Call,
  ): Promise<readonly boolean[]> {
    this.#check(call);
    if (rows.length === 0) return [];
    return this.#write(call, {
      kind: "removeRows",
      scope: { project, tenant, view },
      entityKeys: rows.map(({ entityKey }) => entityKey),
      bytes: rows.map(({ bytes }) => Uint8Array.from(bytes)),
    });
  }

  measure(project: string, pace: Pace, call: Call): Promise<ReadonlyMap<string, RowUsage>> {
    return measurePages(this, project, pace, call);
  }

  async getMeta(scope: MetaScope, name: string, call: Call): Promise<MetaValue | undefined> {
    const found = await this.#reading(call, () => this.#statements.meta.get(metaKey(scope), name));
    if (found === undefined) return undefined;
    return { bytes: found["bytes"] as Uint8Array, revision: found["revision"] as string };
  }

  async putMeta(
    scope: MetaScope,
    name: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: Call,
  ): Promise<string | undefined> {
    const revision = randomUUID();
    const work = { kind: "putMeta", scope: metaKey(scope), name, bytes, expected, revision } as const;
    return (await this.#write(call, work)) ? revision : undefined;
  }

  async deleteMeta(scope: MetaScope, name: string, call: Call): Promise<void> {
    await this.#write(call, { kind: "deleteMeta", scope: metaKey(scope), name });
  }

  async ping(call: Call): Promise<void> {
    await this.#reading(call, () => this.#statements.meta.get("", ""));
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#db.close();
      // Last, so that this connection is the one that folds the log into the file.
      await this.#writer.close();
    })();
    return this.#closing;
  }

  /** The views that have rows in a scope. */
  async #viewsOf({ project, tenant, view }: RowScope, call: Call): Promise<readonly string[]> {
    if (view !== undefined) return [view];
    const found = await this.#reading(call, () => this.#statements.views.all(project, tenant));
    return found.map((row) => row["view"] as string);
  }

  /** Reads within one snapshot. Readers are locked out only while a process recovers or removes the log: then it is tried again, off the loop. */
  async #reading<T>(call: Call, read: () => T, deadline = this.#readDeadline(call)): Promise<T> {
    for (;;) {
      this.#check(call);
      if (performance.now() >= deadline) throw lockTimeout(this.#config.path);
      try {
        this.#statements.begin.run();
        const answer = read();
        this.#statements.commit.run();
        return answer;
      } catch (error) {
        if (this.#db.isOpen && this.#db.isTransaction) this.#statements.rollback.run();
        const failure = failureOf(error);
        if (!isBusy(failure)) throw sqliteError(this.#config.path, failure);
      }
      await delay(1);
    }
  }

  async #write<W extends WriterWork>(call: Call, work: W) {
    this.#check(call);
    return this.#writer.run(work, call, call.deadline ?? performance.now() + this.#config.writeDeadlineMs);
  }

  #readDeadline(call: Call): number {
    return call.deadline ?? performance.now() + this.#config.readDeadlineMs;
  }

  #check(call: Call): void {
    if (this.#closing !== undefined) throw storeClosed();
    refuseEnded(call);
  }
}

/** Makes a folder and those above it. Node's own `recursive` does not end where a file system refuses new folders as missing ones, as /proc does. */
async function makeFolder(path: string, hasParent = false): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    if (code !== "ENOENT" || hasParent || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await makeFolder(path, true);
  }
}

function prepareReads(db: DatabaseSync) {
  const inView = "project = ? AND tenant = ? AND view = ?";
  return {
    begin: db.prepare("BEGIN"),
    commit: db.prepare("COMMIT"),
    rollback: db.prepare("ROLLBACK"),
    row: db.prepare(`SELECT entity_key, bytes FROM rows WHERE ${inView} AND entity_key = ?`),
    firstPage: db.prepare(`SELECT entity_key, bytes FROM rows WHERE ${inView} ORDER BY entity_key LIMIT ?`),
    nextPage: db.prepare(
      `SELECT entity_key, bytes FROM rows WHERE ${inView} AND entity_key > ? ORDER BY entity_key LIMIT ?`,
    ),
    projectPage: db.prepare(`SELECT tenant, view, entity_key, bytes FROM rows
      WHERE project = ? AND (tenant, view, entity_key) > (?, ?, ?) ORDER BY tenant, view, entity_key LIMIT ?`),
    tenantPage: db.prepare(`SELECT tenant, view, entity_key, bytes FROM rows
      WHERE project = ? AND tenant = ? AND (view, entity_key) > (?, ?) ORDER BY view, entity_key LIMIT ?`),
    // Steps from view to view by the primary key, instead of reading every row of the tenant.
    views: db.prepare(`WITH RECURSIVE found(view) AS (
        SELECT min(view) FROM rows WHERE project = ?1 AND tenant = ?2
        UNION ALL
        SELECT (SELECT min(view) FROM rows WHERE project = ?1 AND tenant = ?2 AND view > found.view)
        FROM found WHERE found.view IS NOT NULL
      ) SELECT view FROM found WHERE view IS NOT NULL`),
    meta: db.prepare("SELECT bytes, revision FROM meta WHERE scope = ? AND name = ?"),
  };
}

/** One text per scope; JSON tells a missing tenant from one called "null". */
function metaKey({ project, tenant, view }: MetaScope): string {
  return JSON.stringify([project, tenant ?? null, view ?? null]);
}
