import { createTensorData } from "./feed-table.ts";
import type { ModelCall, ModelRunner, Tensor, TensorSpec, TensorType } from "./model-runner.ts";
import type { ModelThreads } from "./model-threads.ts";
import { createOnnxRunner, type ModelFile } from "./onnx-runner.ts";

/** Longest that a run may hold up the event loop, in milliseconds, as far as measuring can tell. */
const INLINE_MS = 3;

/** A part for a thread is as many rows as take about this many times {@link INLINE_MS}: others wait no longer for their turn. */
const PART_INLINES = 8;

/** Runs per size that is measured; the shortest counts, since everything else that a machine does only lengthens them. */
const REPEATS = 2;

/** Measuring ends after this long, in milliseconds, with what it knows. */
const MEASURE_MS = 30;

/** One input of a model and how many elements a row has of it; rank 1 for [n], 2 for [n, k]. */
export interface RowShape {
  readonly name: string;
  readonly type: TensorType;
  readonly width: number;
  readonly rank: 1 | 2;
}

let loaded = 0;

/** A model that runs few rows at once in place, and many in a thread, where they hold up nobody. */
export class PooledRunner implements ModelRunner {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly version: string;
  readonly #id = loaded++;
  readonly #file: ModelFile;
  readonly #inline: ModelRunner;
  readonly #threads: ModelThreads;
  /** What was not measured yet runs in place: it is the measuring. */
  #inlineRows = Number.POSITIVE_INFINITY;
  /** Elements of a row, over all inputs. */
  #rowElements = 1;
  /** Outputs that were seen to have a row per row. */
  #rowwise: ReadonlySet<string> = new Set();
  #closed = false;

  private constructor(file: ModelFile, inline: ModelRunner, threads: ModelThreads) {
    this.#file = file;
    this.#inline = inline;
    this.#threads = threads;
    this.inputs = inline.inputs;
    this.outputs = inline.outputs;
    this.version = inline.version;
  }

  /** Loads a model in this thread; others do when they are needed. @throws MODEL_UNREADABLE, MISSING_DEPENDENCY */
  static async open(file: ModelFile, threads: ModelThreads): Promise<PooledRunner> {
    return new PooledRunner(file, await createOnnxRunner(file), threads);
  }

  /** Most rows that run in place. */
  get inlineRows(): number {
    return this.#inlineRows;
  }

  /**
   * Measures how many rows may run in place. Batches of 1, 4, 16, … rows of zeros run until one takes longer than {@link INLINE_MS}; with n rows in
   * t ms the last that did not and m rows in u ms the first that did, the limit is `n + (m - n) * (INLINE_MS - t) / (u - t)`, rounded down: 0 where
   * even one row takes longer, and `maxRows` where nothing does.
   * @throws MODEL_FAILED where the model does not take several rows
   */
  async measure(shapes: readonly RowShape[], outputs: readonly string[], maxRows: number): Promise<void> {
    this.#rowElements = Math.max(
      1,
      shapes.reduce((sum, { width }) => sum + width, 0),
    );
    const started = performance.now();
    let [fits, fitsMs] = [0, 0];
    let rowwise = new Set(outputs);
    for (let rows = 1; ; rows = Math.min(rows * 4, maxRows)) {
      const { ms, tensors } = await this.#time(shapes, outputs, rows);
      rowwise = new Set(outputs.filter((name, index) => rowwise.has(name) && tensors[index]?.dims[0] === rows));
      if (ms > INLINE_MS) {
        fits += Math.floor(((rows - fits) * (INLINE_MS - fitsMs)) / (ms - fitsMs));
        break;
      }
      [fits, fitsMs] = [rows, ms];
      if (rows >= maxRows || performance.now() - started > MEASURE_MS) break;
    }
    this.#inlineRows = Math.min(fits, maxRows);
    this.#rowwise = rowwise;
  }

  run(
    feeds: ReadonlyMap<string, Tensor>,
    outputs: readonly string[],
    call: ModelCall = {},
  ): Promise<readonly Tensor[]> {
    if (this.#closed || this.#rows(feeds) <= this.#inlineRows) return this.#inline.run(feeds, outputs);
    const apart = call.rowwise === true && outputs.every((name) => this.#rowwise.has(name));
    const partRows = apart ? Math.max(1, this.#inlineRows * PART_INLINES) : undefined;
    return this.#threads.run(this.#id, this.#file, { feeds, outputs }, partRows, call);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#threads.forget(this.#id);
    await this.#inline.close();
  }

  /** How many of the measured rows the tensors amount to; a caller of raw tensors may send wider ones. */
  #rows(feeds: ReadonlyMap<string, Tensor>): number {
    let elements = 0;
    for (const { data } of feeds.values()) elements += data.length;
    return elements / this.#rowElements;
  }

  async #time(shapes: readonly RowShape[], outputs: readonly string[], rows: number) {
    const feeds = new Map<string, Tensor>();
    for (const { name, type, width, rank } of shapes) {
      const dims = rank === 1 ? [rows] : [rows, width];
      feeds.set(name, { type, data: createTensorData(type, rows * width), dims });
    }
    let ms = Number.POSITIVE_INFINITY;
    let tensors: readonly Tensor[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      const started = performance.now();
      tensors = await this.#inline.run(feeds, outputs);
      ms = Math.min(ms, performance.now() - started);
    }
    return { ms, tensors };
  }
}
