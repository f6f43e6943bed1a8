import { randomBytes } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type Clock,
  type Definitions,
  decodeKeyValue,
  isLarderError,
  LarderError,
  type ServedLogConfig,
} from "@larder/schema";
import {
  createErasureWatch,
  type ErasedEntities,
  type ErasureSettings,
  type ErasureWatch,
  erasureSettings,
  type OnlineStore,
} from "@larder/store-core";
import type { Predictor } from "../predict/predictor.ts";
import { servedRows } from "../predict/served-rows.ts";
import { createEntitySample, type EntitySample } from "./entity-sample.ts";
import { estimateBytes, LogFile, type LogRowOwner } from "./log-file.ts";
import { logFileName, logPartName } from "./log-folder.ts";
import { createLogShape, type LogShape, type LogValue, logRow } from "./log-shape.ts";
import { LogWriter, unwritable } from "./log-writer.ts";
import type { LogOutcome, OnLogProblem, ServedAnswer, ServedLog, ServedLogUse } from "./served-log.ts";

/** What a log is made of. */
export interface ServedLogParts {
  readonly definitions: Definitions;
  /** Asked for erased entities before a file is written; closed by its owner after the log. */
  readonly store: OnlineStore;
  readonly clock: Clock;
  readonly onProblem: OnLogProblem;
  /** Default: those of the store's processes. */
  readonly erasure?: ErasureSettings;
  /** Milliseconds that closing may take. Default 5 s. */
  readonly closeMs?: number;
}

/**
 * Opens the log that `server.served_log` asks for.
 * @throws OUTPUT_UNWRITABLE where its folder cannot be made
 */
export async function openServedLog(config: ServedLogConfig, parts: ServedLogParts): Promise<ServedLog> {
  await mkdir(config.path, { recursive: true }).catch((cause: unknown) => {
    throw unwritable(reasonOf(cause), cause);
  });
  return new ParquetLog(config, parts);
}

/** Rows go to the thread in lots of this many. */
const LOT = 128;

/** How often files are looked at that are due. Milliseconds. */
const TICK_MS = 1_000;

const CLOSE_MS = 5_000;

/** Tries to write a file while nothing that was known of erasures grows too old. */
const ATTEMPTS = 3;

/** Rows whose owners are compared with erasures before the event loop goes on. */
const JUDGED_AT_ONCE = 500;

class ParquetLog implements ServedLog {
  readonly #config: ServedLogConfig;
  readonly #parts: ServedLogParts;
  readonly #settings: ErasureSettings;
  readonly #watch: ErasureWatch;
  readonly #sampled: EntitySample;
  readonly #shapes = new WeakMap<Predictor, LogShape>();
  readonly #name = randomBytes(4).toString("hex");
  readonly #rows = new Map<string, Record<LogOutcome, number>>();
  /** Files that take rows, by the id of their shape. */
  readonly #open = new Map<string, LogFile>();
  /** Files that are full or due, in the order they are to be written. */
  #due: LogFile[] = [];
  #files = 0;
  #pendingRows = 0;
  #pendingBytes = 0;
  #writer: LogWriter | undefined;
  #writing: Promise<void> | undefined;
  #failing = false;
  #closing: Promise<void> | undefined;
  readonly #ending = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(config: ServedLogConfig, parts: ServedLogParts) {
    const { definitions, store, erasure = erasureSettings(definitions.onlineStore) } = parts;
    this.#config = config;
    this.#parts = parts;
    this.#settings = erasure;
    this.#watch = createErasureWatch(store, definitions.project, erasure);
    this.#sampled = createEntitySample(definitions.project, config.sample);
    this.#writer = this.#startWriter();
    this.#timer = setInterval(() => this.#tick(), Math.min(TICK_MS, config.rotateAfterMs));
    this.#timer.unref();
  }

  record(answer: ServedAnswer): void {
    const { tenant, requestId, predictor, keys } = answer;
    const model = predictor.model.definition.name;
    let rows: ReturnType<typeof servedRows> | undefined;
    for (let row = 0; row < keys.rowCount; row++) {
      // Without an entity a model's answers are sampled by request.
      const entity = predictor.model.plan.joinKeys.length === 0 ? requestId : entityKeyOf(keys.groups, row);
      if (!this.#sampled(tenant, entity)) continue;
      if (this.#closing !== undefined || this.#pendingBytes >= this.#config.maxPendingBytes) {
        this.#count(model, "full", 1);
        continue;
      }
      try {
        const shape = this.#shapeOf(predictor);
        rows ??= servedRows(predictor, shape.served, answer, answer.servedAt);
        this.#add(shape, answer, row, logRow(shape, rows, row, factsOf(answer, row)));
      } catch (error) {
        // The answer is right and out, whatever becomes of its log.
        this.#count(model, "failed", 1);
        this.#report(error);
      }
    }
  }

  use(): ServedLogUse {
    return { rows: this.#rows, pendingRows: this.#pendingRows, pendingBytes: this.#pendingBytes };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #shapeOf(predictor: Predictor): LogShape {
    let shape = this.#shapes.get(predictor);
    if (shape === undefined) {
      shape = createLogShape(predictor);
      this.#shapes.set(predictor, shape);
    }
    return shape;
  }

  #add(shape: LogShape, answer: ServedAnswer, row: number, values: readonly LogValue[]): void {
    const { plan } = answer.predictor.model;
    let file = this.#open.get(shape.id);
    if (file === undefined) {
      file = new LogFile(++this.#files, shape, plan, performance.now());
      this.#open.set(shape.id, file);
    }
    const bytes = estimateBytes(values);
    file.add(values, ownerOf(answer, row), bytes);
    this.#pendingRows++;
    this.#pendingBytes += bytes;
    if (file.unsent >= LOT) this.#send(file);
    if (file.bytes >= this.#config.rotateBytes) this.#rotate(file);
  }

  #send(file: LogFile): void {
    if (file.unsent === 0) return;
    this.#writer ??= this.#startWriter();
    this.#writer.send({ kind: "rows", file: file.id, rows: file.takeUnsent() });
  }

  #rotate(file: LogFile): void {
    this.#open.delete(file.shape.id);
    this.#send(file);
    this.#due.push(file);
    this.#write();
  }

  #tick(): void {
    const due = performance.now() - this.#config.rotateAfterMs;
    for (const file of [...this.#open.values()]) if (file.openedAt <= due) this.#rotate(file);
    if (this.#due.length > 0) this.#write();
  }

  /** One file after the other; what cannot be asked for its erasures stays, and is tried again. */
  #write(): void {
    if (this.#writing !== undefined) return;
    this.#writing = this.#writeDue().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeDue(): Promise<void> {
    for (let [file] = this.#due; file !== undefined; [file] = this.#due) {
      try {
        const erased = await this.#writeFile(file);
        this.#failing = false;
        this.#settle(file, "written", erased);
        await this.#prune();
      } catch (error) {
        this.#report(error);
        // Nobody can tell who is erased: the rows wait, and in the end fill what may wait.
        if (isLarderError(error) && !WRITER_CODES.has(error.code)) return;
        this.#settle(file, "failed", 0);
      }
    }
  }

  /** Answers how many rows it left out. @throws OUTPUT_UNWRITABLE, INTERNAL; what reading erasures throws */
  async #writeFile(file: LogFile): Promise<number> {
    const { shape } = file;
    const name = logFileName(this.#parts.clock.now(), this.#name, file.id);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const begun = performance.now();
      const leftOut = await this.#erasedRows(file);
      if (leftOut.length === file.owners.length) return leftOut.length;
      const writer = this.#writer;
      if (writer === undefined || !this.#due.includes(file)) throw unwritable("its thread ended");
      const part = join(this.#config.path, logPartName(name, attempt));
      const { description, columns } = shape;
      await writer.perform({ kind: "write", file: file.id, path: part, description, columns, leftOut });
      // An erasure waits for as long as a write may take, and then looks into the files that there are.
      if (performance.now() - begun < this.#settings.writeMs / 2) {
        await rename(part, join(this.#config.path, name)).catch((cause: unknown) => {
          throw unwritable(reasonOf(cause), cause);
        });
        return leftOut.length;
      }
      await rm(part, { force: true });
    }
    throw unwritable(`a file took longer than ${this.#settings.writeMs / 2} ms`);
  }

  async #erasedRows(file: LogFile): Promise<number[]> {
    const known = new Map<string, ErasedEntities>();
    for (const tenant of file.tenants) {
      const deadline = performance.now() + this.#settings.writeMs;
      known.set(tenant, await this.#watch.current(tenant, { tenant, deadline, signal: this.#ending.signal }));
    }
    const rows: number[] = [];
    if ([...known.values()].every(({ count }) => count === 0)) return rows;
    for (const [row, { tenant }] of file.owners.entries()) {
      if (file.isErased(row, known.get(tenant) as ErasedEntities)) rows.push(row);
      if (row % JUDGED_AT_ONCE === JUDGED_AT_ONCE - 1) await nextTurn();
    }
    return rows;
  }

  /** A file is done with, one way or the other. */
  #settle(file: LogFile, outcome: LogOutcome, erased: number): void {
    const at = this.#due.indexOf(file);
    if (at === -1) return;
    this.#due.splice(at, 1);
    this.#writer?.send({ kind: "discard", file: file.id });
    this.#forgetRows(file, outcome, erased);
  }

  #forgetRows(file: LogFile, outcome: LogOutcome, erased: number): void {
    const { model } = file.shape.description;
    this.#count(model, "erased", erased);
    this.#count(model, outcome, file.owners.length - erased);
    this.#pendingRows -= file.owners.length;
    this.#pendingBytes -= file.bytes;
  }

  async #prune(): Promise<void> {
    const { path: folder, keepMs, maxBytes } = this.#config;
    const now = this.#parts.clock.now() / 1000;
    await this.#writer?.perform({ kind: "prune", folder, now, keepMs, maxBytes }).catch((error: unknown) => {
      this.#report(error);
    });
  }

  #startWriter(): LogWriter {
    return new LogWriter(() => {
      this.#writer = undefined;
      for (const file of [...this.#due, ...this.#open.values()]) this.#forgetRows(file, "failed", 0);
      this.#due = [];
      this.#open.clear();
    });
  }

  #count(model: string, outcome: LogOutcome, rows: number): void {
    if (rows === 0) return;
    let counts = this.#rows.get(model);
    if (counts === undefined) {
      counts = { written: 0, erased: 0, full: 0, failed: 0 };
      this.#rows.set(model, counts);
    }
    counts[outcome] += rows;
  }

  /** Once until a file is written again. */
  #report(error: unknown): void {
    if (this.#failing || this.#ending.signal.aborted) return;
    this.#failing = true;
    this.#parts.onProblem(isLarderError(error) ? error : unwritable(reasonOf(error), error));
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    const late = setTimeout(() => this.#ending.abort(), this.#parts.closeMs ?? CLOSE_MS);
    const ended = new Promise<void>((resolve) => this.#ending.signal.addEventListener("abort", () => resolve()));
    const flushed = async (): Promise<void> => {
      for (const file of [...this.#open.values()]) this.#rotate(file);
      await this.#writing;
      // What had waited for the store gets its last try.
      if (this.#due.length > 0) await this.#writeDue();
    };
    await Promise.race([flushed(), ended]);
    clearTimeout(late);
    const left = this.#pendingRows;
    for (const file of this.#due) this.#forgetRows(file, "failed", 0);
    this.#due = [];
    this.#ending.abort();
    await this.#writer?.close();
    await this.#writing;
    if (left > 0) this.#parts.onProblem(unflushed(left));
  }
}

/** What the writer itself fails with. */
const WRITER_CODES: ReadonlySet<string> = new Set(["OUTPUT_UNWRITABLE", "INTERNAL"]);

function entityKeyOf(groups: readonly (readonly string[])[], row: number): string {
  let key = groups[0]?.[row] ?? "";
  for (let group = 1; group < groups.length; group++) key += `;${groups[group]?.[row]}`;
  return key;
}

function ownerOf({ tenant, predictor, keys, batch }: ServedAnswer, row: number): LogRowOwner {
  const { views } = predictor.model.plan;
  return {
    tenant,
    entityKeys: views.map(({ group }) => keys.groups[group]?.[row] as string),
    eventTimes: views.map((_, view) => batch.eventTime(row, view)),
  };
}

function factsOf({ servedAt, tenant, requestId, predictor, rows, batch, predictions }: ServedAnswer, row: number) {
  const { version, checksum, plan } = predictor.model;
  return {
    servedAt,
    tenant,
    version,
    checksum,
    requestId,
    degraded: batch.degraded,
    error: predictions.errors.find((error) => error.row === row)?.code,
    joinKeys: plan.joinKeys.map(({ name, type }): LogValue => {
      const decoded = decodeKeyValue(type, rows[row]?.[name]);
      return decoded.ok ? decoded.value : null;
    }),
  };
}

function unflushed(rows: number): LarderError {
  return new LarderError("OUTPUT_UNWRITABLE", {
    what: `${rows} rows of the log of served vectors were not written before the server ended`,
    remedy: "Look for a slow disk or an online store that does not answer; the predictions themselves were answered",
    facts: { rows },
  });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
