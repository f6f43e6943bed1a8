import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import type {
  DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  DuckDBResult,
  DuckDBValue,
  DuckDBVector,
} from "@duckdb/node-api";
import { LarderError } from "@larder/schema";
import { aborted, duckDbError, suspectFiles } from "./duckdb-error.ts";
import { findDamage } from "./find-damage.ts";
import type { ColumnBatch, EngineCall, EngineRow, EngineValue, OfflineEngine } from "./offline-engine.ts";
import { quoteName } from "./sql-text.ts";

/** Limits of a DuckDB session. */
export interface DuckDbOptions {
  /** Default: one per core. */
  readonly threads?: number;
  /** Bytes that DuckDB may hold before it spills to disk. Default: 70 % of the machine's or container's memory. */
  readonly memoryLimitBytes?: number;
  /** Bytes on disk that it may spill. Default: what the disk has room for. */
  readonly spillLimitBytes?: number;
  /** Parent of the session's folder for spilled data. Default: the system's folder for temporary files. */
  readonly tempDirectory?: string;
}

/**
 * Opens an embedded DuckDB in memory. It never downloads an extension.
 * @throws MISSING_DEPENDENCY when `@duckdb/node-api` is not installed
 */
export async function openDuckDb(options: DuckDbOptions = {}): Promise<OfflineEngine> {
  const duckdb = await importDuckDb();
  const folder = await mkdtemp(join(options.tempDirectory ?? tmpdir(), "larder-duckdb-"));
  try {
    const instance = await duckdb.DuckDBInstance.create(":memory:", {
      threads: String(options.threads ?? availableParallelism()),
      memory_limit: `${Math.floor((options.memoryLimitBytes ?? defaultMemory()) / 1024)}KiB`,
      temp_directory: folder,
      ...(options.spillLimitBytes === undefined
        ? {}
        : { max_temp_directory_size: `${Math.floor(options.spillLimitBytes / 1024)}KiB` }),
      autoinstall_known_extensions: "false",
    });
    const connection = await instance.connect();
    for (const setting of SETTINGS) await connection.run(`SET ${setting}`);
    return new DuckDbSession(instance, connection, folder, duckdb, duckdb.version());
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw duckDbError(error, { kind: "plan" });
  }
}

const SETTINGS = [
  // Only an open session takes the time zone. Without it a naive time would be read in the machine's.
  "TimeZone = 'UTC'",
  // A file that was replaced within the clock's grain would be answered from the cache.
  "enable_external_file_cache = false",
  "enable_progress_bar = true",
  "enable_progress_bar_print = false",
];

type DuckDb = typeof import("@duckdb/node-api");

async function importDuckDb(): Promise<DuckDb> {
  try {
    return await import("@duckdb/node-api");
  } catch (cause) {
    throw new LarderError("MISSING_DEPENDENCY", {
      what: "The offline store needs the package @duckdb/node-api, which is not installed",
      remedy: "Run `npm install @duckdb/node-api@1.5.5-r.5`",
      facts: { package: "@duckdb/node-api" },
      cause,
    });
  }
}

/** DuckDB's resident size goes up to a third over its limit, so the limit leaves room. */
function defaultMemory(): number {
  const container = process.constrainedMemory();
  return 0.7 * (container > 0 ? Math.min(container, totalmem()) : totalmem());
}

/** How often a running statement is asked for its progress, or told again to stop, in milliseconds. */
const POLL_MS = 100;
/** Rows that one of DuckDB's chunks holds. */
const CHUNK_ROWS = 2048;

class DuckDbSession implements OfflineEngine {
  readonly name = "duckdb";
  readonly dialect = "duckdb";
  readonly version: string;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #folder: string;
  readonly #duckdb: DuckDb;
  #closed = false;

  constructor(instance: DuckDBInstance, connection: DuckDBConnection, folder: string, duckdb: DuckDb, version: string) {
    this.#instance = instance;
    this.#connection = connection;
    this.#folder = folder;
    this.#duckdb = duckdb;
    this.version = version;
  }

  async run(sql: string, call: EngineCall): Promise<void> {
    await this.#guard(call, () => this.#connection.run(sql));
  }

  async rows(sql: string, call: EngineCall): Promise<EngineRow[]> {
    const rows: EngineRow[] = [];
    const result = await this.#guard(call, () => this.#connection.run(sql));
    const names = result.columnNames();
    for await (const batch of this.#fetch(result, call)) {
      for (let i = 0; i < batch.rowCount; i++) {
        rows.push(Object.fromEntries(names.map((name, column) => [name, batch.columns[column]![i]!])));
      }
    }
    return rows;
  }

  async *batches(sql: string, call: EngineCall): AsyncIterable<ColumnBatch> {
    const result = await this.#guard(call, () => this.#connection.stream(sql));
    yield* this.#fetch(result, call);
  }

  async load(
    table: string,
    columns: readonly { readonly name: string; readonly type: string }[],
    batches: AsyncIterable<ColumnBatch>,
    call: EngineCall,
  ): Promise<void> {
    const declared = columns.map(({ name, type }) => `${quoteName(name)} ${type}`).join(", ");
    await this.run(`CREATE OR REPLACE TEMP TABLE ${table} (${declared})`, call);
    const appender = await this.#guard(call, () => this.#connection.createAppender(table));
    try {
      const types = columns.map((_, i) => appender.columnType(i));
      for await (const { rowCount, columns: values } of batches) {
        for (let from = 0; from < rowCount; from += CHUNK_ROWS) {
          const count = Math.min(CHUNK_ROWS, rowCount - from);
          const chunk = this.#duckdb.DuckDBDataChunk.create(types, count);
          for (const [i, column] of values.entries()) {
            chunk.setColumnValues(
              i,
              column.slice(from, from + count).map((value) => this.#valueOf(value)),
            );
          }
          appender.appendDataChunk(chunk);
        }
      }
      appender.flushSync();
    } catch (error) {
      throw duckDbError(error, call.subject);
    } finally {
      appender.closeSync();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.closeSync();
    this.#instance.closeSync();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async *#fetch(result: DuckDBResult, call: EngineCall): AsyncIterable<ColumnBatch> {
    for (;;) {
      const chunk = await this.#guard(call, () => result.fetchChunk());
      if (chunk === null || chunk.rowCount === 0) return;
      yield this.#batchOf(chunk);
    }
  }

  #batchOf(chunk: DuckDBDataChunk): ColumnBatch {
    const { rowCount, columnCount } = chunk;
    const columns: (readonly EngineValue[])[] = [];
    for (let i = 0; i < columnCount; i++) columns.push(this.#valuesOf(chunk.getColumnVector(i), 0, rowCount));
    return { rowCount, columns };
  }

  #valuesOf(vector: DuckDBVector, from: number, count: number): EngineValue[] {
    const values: EngineValue[] = new Array(count);
    if (vector instanceof this.#duckdb.DuckDBBlobVector) {
      for (let i = 0; i < count; i++) {
        const bytes = vector.getItemBytes(from + i);
        // The binding's bytes may be a view of memory that goes with the chunk: copy.
        values[i] = bytes === null ? null : new Uint8Array(bytes);
      }
    } else if (vector instanceof this.#duckdb.DuckDBListVector) {
      for (let i = 0; i < count; i++) {
        const present = vector.getItemVector(from + i) !== null;
        values[i] = present
          ? this.#valuesOf(vector.childVector, vector.getEntryOffset(from + i), vector.getEntryLength(from + i))
          : null;
      }
    } else {
      for (let i = 0; i < count; i++) values[i] = plainValue(vector.getItem(from + i));
    }
    return values;
  }

  #valueOf(value: EngineValue): DuckDBValue {
    if (value instanceof Uint8Array) return new this.#duckdb.DuckDBBlobValue(value);
    if (!Array.isArray(value)) return value as DuckDBValue;
    return new this.#duckdb.DuckDBListValue(value.map((item: EngineValue) => this.#valueOf(item)));
  }

  async #guard<T>(call: EngineCall, work: () => Promise<T>): Promise<T> {
    const { signal, onProgress } = call;
    if (this.#closed) throw new LarderError("OFFLINE_FAILED", CLOSED);
    if (signal?.aborted === true) throw aborted(signal.reason);
    const poll = () => {
      // An interrupt that comes before the statement is under way is lost, so it is repeated until the statement ends.
      if (signal?.aborted === true) this.#connection.interrupt();
      else if (onProgress !== undefined) report(onProgress, this.#connection.progress.percentage);
    };
    const timer = signal === undefined && onProgress === undefined ? undefined : setInterval(poll, POLL_MS);
    signal?.addEventListener("abort", poll);
    try {
      return await work();
    } catch (error) {
      // A request of httpfs that fails after the abort is no failure of the store's.
      throw call.signal?.aborted === true ? aborted(error) : await this.#located(error, call);
    } finally {
      clearInterval(timer);
      signal?.removeEventListener("abort", poll);
    }
  }

  /** The coded error of a failure, with the place of what is damaged in a source. */
  async #located(error: unknown, { subject, signal }: EngineCall): Promise<LarderError> {
    const suspects = suspectFiles(error, subject);
    if (suspects.length === 0) return duckDbError(error, subject);
    const connection = await this.#instance.connect();
    try {
      const damage = await findDamage(connection, suspects, signal);
      return signal?.aborted === true ? aborted(error) : duckDbError(error, subject, damage);
    } finally {
      connection.closeSync();
    }
  }
}

const CLOSED = { what: "The offline session is closed", remedy: "Open another one" } as const;

/** DuckDB says -1 while it cannot tell. */
function report(onProgress: (fraction: number) => void, percentage: number): void {
  if (percentage >= 0) onProgress(Math.min(percentage / 100, 1));
}

function plainValue(value: unknown): EngineValue {
  if (value === null) return value;
  switch (typeof value) {
    case "boolean":
    case "number":
    case "bigint":
    case "string":
      return value;
    default:
      throw new LarderError("INTERNAL", {
        what: "A statement selected a type that has no plain value",
        remedy: "Report this with the request that led to it",
      });
  }
}
