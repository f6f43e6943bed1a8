import { LarderError } from "@larder/schema";
import type { Tensor, TensorData } from "./model-runner.ts";
import type { ModelFile } from "./onnx-runner.ts";
import type { RunPart, ThreadAnswer } from "./thread-protocol.ts";

/** One request for threads: it goes out part by part, and comes back as a whole. */
export class ThreadWork {
  readonly model: number;
  readonly file: ModelFile;
  readonly outcome: Promise<readonly Tensor[]>;
  readonly #part: RunPart;
  readonly #rows: number;
  readonly #partRows: number;
  readonly #answers: (readonly Tensor[])[] = [];
  readonly #resolve: (outputs: readonly Tensor[]) => void;
  readonly #reject: (error: LarderError) => void;
  #sent = 0;
  #settled = false;

  /** @param partRows rows of a part; undefined for all of them at once */
  constructor(model: number, file: ModelFile, part: RunPart, partRows: number | undefined) {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Tensor[]>();
    const [first] = part.feeds.values();
    this.model = model;
    this.file = file;
    this.outcome = promise;
    this.#part = part;
    this.#rows = first?.dims[0] ?? 1;
    this.#partRows = partRows ?? this.#rows;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** The next part, in memory of its own: what a caller gave stays the caller's. */
  next(): RunPart {
    const from = this.#sent;
    this.#sent = Math.min(this.#rows, from + this.#partRows);
    const { feeds, outputs } = this.#part;
    const rows = this.#rows;
    return { outputs, feeds: new Map([...feeds].map(([name, feed]) => [name, rowsOf(feed, from, this.#sent, rows)])) };
  }

  /** Takes a part's answer. True: there are more parts, and somebody waits for them. */
  take(answer: ThreadAnswer): boolean {
    if (this.#settled) return false;
    if (answer.kind === "failed") {
      const { code, reason, ...failure } = answer.failure;
      this.fail(new LarderError(code, { ...failure, cause: new Error(reason) }));
      return false;
    }
    this.#answers.push(answer.outputs);
    if (this.#sent < this.#rows) return true;
    this.#settled = true;
    const [first, ...more] = this.#answers;
    this.#resolve(more.length === 0 ? (first ?? []) : this.#join());
    return false;
  }

  fail(error: LarderError): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#reject(error);
  }

  #join(): readonly Tensor[] {
    return this.#part.outputs.map((_, output) => {
      const parts = this.#answers.map((answer) => answer[output] as Tensor);
      const { type, dims } = parts[0] as Tensor;
      return { type, data: joined(parts.map(({ data }) => data)), dims: [this.#rows, ...dims.slice(1)] };
    });
  }
}

function rowsOf({ type, data, dims }: Tensor, from: number, to: number, rows: number): Tensor {
  if (from === 0 && to === rows) return { type, data: data.slice(), dims };
  const stride = data.length / rows;
  return { type, data: data.slice(from * stride, to * stride), dims: [to - from, ...dims.slice(1)] };
}

function joined(parts: readonly TensorData[]): TensorData {
  const [first] = parts;
  if (first === undefined || Array.isArray(first)) return (parts as readonly string[][]).flat();
  const whole = createLike(
    first,
    parts.reduce((length, part) => length + part.length, 0),
  );
  const bytes = new Uint8Array(whole.buffer);
  let at = 0;
  for (const part of parts as readonly Exclude<TensorData, string[]>[]) {
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  return whole;
}

function createLike<T extends Exclude<TensorData, string[]>>(like: T, length: number): T {
  const Elements = like.constructor as new (length: number) => T;
  return new Elements(length);
}
