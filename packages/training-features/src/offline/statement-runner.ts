import type { EngineCall, EngineRow, EngineSubject, OfflineEngine } from "./offline-engine.ts";

/** Runs the statements of one piece of work, and tells how much of it is done. */
export class StatementRunner {
  readonly #engine: OfflineEngine;
  readonly #call: EngineCall;
  readonly #onProgress: ((fraction: number) => void) | undefined;
  #done = 0;

  constructor(
    engine: OfflineEngine,
    subject: EngineSubject,
    options: {
      readonly signal?: AbortSignal | undefined;
      readonly onProgress?: ((fraction: number) => void) | undefined;
    },
  ) {
    this.#engine = engine;
    this.#call = { subject, signal: options.signal };
    this.#onProgress = options.onProgress;
  }

  /** Runs a statement that is about `share` (0 to 1) of the whole work. */
  async run(sql: string, share = 0): Promise<void> {
    const from = this.#done;
    const onProgress = share === 0 ? undefined : (fraction: number) => this.#onProgress?.(from + fraction * share);
    await this.#engine.run(sql, { ...this.#call, onProgress });
    this.#done = Math.min(from + share, 1);
    this.#onProgress?.(this.#done);
  }

  async rows(sql: string): Promise<EngineRow[]> {
    return this.#engine.rows(sql, this.#call);
  }

  /** The one row of an aggregate. */
  async row(sql: string): Promise<EngineRow> {
    const [row] = await this.rows(sql);
    return row!;
  }

  /** Number of rows of a table or of a FROM clause. */
  async count(from: string): Promise<number> {
    return Number((await this.row(`SELECT count(*) AS n FROM ${from}`))["n"]);
  }
}
