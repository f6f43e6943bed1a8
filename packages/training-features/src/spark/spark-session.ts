import { LarderError } from "@larder/schema";
import { aborted } from "../offline/duckdb-error.ts";
import type { ColumnBatch, EngineCall, EngineRow, EngineSession } from "../offline/offline-engine.ts";
import { type ArrowReader, columnBatches, columnsOf, type SparkColumn } from "./arrow-batches.ts";
import type { SparkPlan, SparkRelation } from "./connect-messages.ts";
import { parseSparkAddress } from "./spark-address.ts";
import { SparkConnection, type SparkConnectionOptions } from "./spark-connection.ts";
import { sparkError } from "./spark-error.ts";

/** A session on an existing Spark: what every engine does, and what a client of a cluster needs beside it. */
export interface SparkEngine extends EngineSession {
  readonly dialect: "spark";
  /** Gives a relation a name that statements of this session can select from. */
  createView(name: string, relation: SparkRelation, call: EngineCall): Promise<void>;
  /** The columns of a query, which is not run for it. */
  columns(sql: string, call: EngineCall): Promise<SparkColumn[]>;
  /** Whether Parquet is read row by row. That is slow, but names the type that a column has in its file where it is not of the type asked for. Default false. */
  readByRow(byRow: boolean): Promise<void>;
}

/**
 * Opens a session on the Spark Connect server at `remote` (`sc://host:port/;token=…`). Its time zone is UTC; other settings that results depend on are
 * set, too, for this session only.
 *
 * @throws CONFIG_INVALID for a bad address, MISSING_DEPENDENCY, OFFLINE_FAILED where the server cannot be reached or refuses the caller
 */
export async function openSpark(remote: string, options: SparkConnectionOptions = {}): Promise<SparkEngine> {
  const connection = await SparkConnection.create(parseSparkAddress(remote), options);
  try {
    await connection.configure(SETTINGS);
    const session = new SparkSession(connection, await import("apache-arrow"));
    await session.open();
    return session;
  } catch (error) {
    await connection.close();
    throw sparkError(error, PLAN.subject, connection.server);
  }
}

const PLAN: EngineCall = { subject: { kind: "plan" } };

const VECTORS = "spark.sql.parquet.enableVectorizedReader";

const SETTINGS = {
  // Naive times are UTC, and no machine's zone shifts them.
  "spark.sql.session.timeZone": "UTC",
  "spark.sql.timestampType": "TIMESTAMP_LTZ",
  // What overflows fails, instead of wrapping around.
  "spark.sql.ansi.enabled": "true",
  // Otherwise Parquet's nanoseconds are refused.
  "spark.sql.legacy.parquet.nanosAsLong": "true",
  [VECTORS]: "true",
} as const;

class SparkSession implements SparkEngine {
  readonly name = "spark";
  readonly dialect = "spark";
  version = "unknown";
  readonly #connection: SparkConnection;
  readonly #arrow: ArrowReader;
  #closed = false;

  constructor(connection: SparkConnection, arrow: ArrowReader) {
    this.#connection = connection;
    this.#arrow = arrow;
  }

  async open(): Promise<void> {
    const [row] = await this.rows("SELECT version() AS version", PLAN);
    // Spark adds the hash of its sources.
    this.version = String(row?.["version"]).split(" ")[0] as string;
  }

  async run(sql: string, call: EngineCall): Promise<void> {
    await this.#effect({ kind: "command", sql }, call);
  }

  async createView(name: string, relation: SparkRelation, call: EngineCall): Promise<void> {
    await this.#effect({ kind: "view", name, relation }, call);
  }

  async columns(sql: string, call: EngineCall): Promise<SparkColumn[]> {
    let columns: SparkColumn[] = [];
    for await (const bytes of this.#execute({ kind: "query", sql: `SELECT * FROM (${sql}) LIMIT 0` }, call)) {
      columns = columnsOf(this.#arrow, bytes);
    }
    return columns;
  }

  async rows(sql: string, call: EngineCall): Promise<EngineRow[]> {
    const rows: EngineRow[] = [];
    for await (const bytes of this.#execute({ kind: "query", sql }, call)) {
      const names = columnsOf(this.#arrow, bytes).map(({ name }) => name);
      for (const batch of columnBatches(this.#arrow, bytes)) {
        for (let i = 0; i < batch.rowCount; i++) {
          rows.push(Object.fromEntries(names.map((name, column) => [name, batch.columns[column]![i]!])));
        }
      }
    }
    return rows;
  }

  async *batches(sql: string, call: EngineCall): AsyncIterable<ColumnBatch> {
    for await (const bytes of this.#execute({ kind: "query", sql }, call)) yield* columnBatches(this.#arrow, bytes);
  }

  async readByRow(byRow: boolean): Promise<void> {
    try {
      await this.#connection.configure({ [VECTORS]: String(!byRow) });
    } catch (error) {
      throw sparkError(error, PLAN.subject, this.#connection.server);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #effect(plan: SparkPlan, call: EngineCall): Promise<void> {
    // A statement may answer rows (SQL commands answer an empty table); nobody wants them.
    for await (const _bytes of this.#execute(plan, call));
  }

  /** Arrow IPC streams, one for each batch of the answer. */
  async *#execute(plan: SparkPlan, { subject, signal, onProgress }: EngineCall): AsyncIterable<Uint8Array> {
    if (this.#closed) {
      throw new LarderError("OFFLINE_FAILED", { what: "The session on Spark is closed", remedy: "Open another one" });
    }
    const refuseAborted = (cause?: unknown): void => {
      if (signal?.aborted === true) throw aborted(cause ?? signal.reason);
    };
    refuseAborted();
    try {
      for await (const { arrow, progress } of this.#connection.execute(plan, signal)) {
        if (progress !== undefined && progress.total > 0) onProgress?.(Math.min(progress.done / progress.total, 1));
        if (arrow !== undefined) yield arrow;
      }
    } catch (error) {
      // What an interrupted execution says of its end is the server's business.
      refuseAborted(error);
      const causes = await this.#connection.causesOf(error);
      throw sparkError(error, subject, this.#connection.server, causes);
    }
    refuseAborted();
  }
}
