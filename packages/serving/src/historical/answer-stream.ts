import { Readable } from "node:stream";
import { LarderError } from "@larder/schema";

/** How a join ended. */
export type JoinEnd = "ok" | "failed" | "cancelled";

/** What a stream of an answer is told and tells. */
export interface AnswerStreamParts {
  /** Stops the work that the bytes come from. */
  readonly stop: AbortController;
  /** Aborts when the server closes, and when the client is gone. */
  readonly cancelled: AbortSignal;
  readonly deadlineMs: number;
  /** Called once, when the source has ended; the error is that of a stream whose first bytes were sent. */
  readonly onEnd: (end: JoinEnd, error: unknown) => Promise<void>;
}

/** Bytes at which the source is asked for no more. */
const BUFFERED_BYTES = 256 * 1024;

/**
 * Makes a stream of what a source of bytes hands out. Waits for the first bytes: what fails before is thrown. What fails later destroys the stream, so
 * that the connection breaks and no reader takes what it has for the whole. The source is read only as the stream is, and ends when `cancelled` aborts
 * or the deadline has passed, reader or not.
 * @throws what the source throws first; DEADLINE_EXCEEDED, ABORTED
 */
export async function answerStream(source: AsyncIterable<Uint8Array>, parts: AnswerStreamParts): Promise<Readable> {
  const { stop, cancelled, deadlineMs, onEnd } = parts;
  const iterator = source[Symbol.asyncIterator]();
  let stream: Readable | undefined;
  const end = (error: LarderError): void => {
    if (stop.signal.aborted) return;
    stop.abort(error);
    stream?.destroy(error);
  };
  const timer = setTimeout(() => end(tooLong(deadlineMs)), deadlineMs);
  const onCancel = (): void => end(cancelledError());
  cancelled.addEventListener("abort", onCancel);
  if (cancelled.aborted) onCancel();

  const settle = async (failure: { readonly error: unknown } | undefined, sent: boolean): Promise<void> => {
    clearTimeout(timer);
    cancelled.removeEventListener("abort", onCancel);
    const how = cancelled.aborted ? "cancelled" : failure === undefined ? "ok" : "failed";
    await onEnd(how, sent ? failure?.error : undefined);
  };
  /** The reason is said where the work was stopped: the work itself knows only that it was. */
  const reasonOf = (error: unknown): unknown => (stop.signal.aborted ? stop.signal.reason : error);

  async function* rest(first: IteratorResult<Uint8Array>): AsyncGenerator<Uint8Array> {
    let failure: { readonly error: unknown } | undefined;
    let whole = false;
    try {
      for (let next = first; next.done !== true; next = await iterator.next()) yield next.value;
      whole = true;
    } catch (error) {
      failure = { error: reasonOf(error) };
      throw failure.error;
    } finally {
      if (!whole && failure === undefined) failure = { error: reasonOf(cancelledError()) };
      if (!whole) await iterator.return?.();
      await settle(failure, true);
    }
  }

  try {
    const first = await iterator.next();
    if (stop.signal.aborted) {
      await iterator.return?.();
      throw stop.signal.reason;
    }
    stream = Readable.from(rest(first), { objectMode: false, highWaterMark: BUFFERED_BYTES });
    return stream;
  } catch (error) {
    const reason = reasonOf(error);
    await settle({ error: reason }, false);
    throw reason;
  }
}

function tooLong(deadlineMs: number): LarderError {
  return new LarderError("DEADLINE_EXCEEDED", {
    what: `The join took longer than the ${deadlineMs / 1000} s of server.historical.deadline`,
    remedy: "Ask for fewer entity rows or features at a time, or build the training set with `larder training-set`",
  });
}

function cancelledError(): LarderError {
  return new LarderError("ABORTED", {
    what: "The join was cancelled",
    remedy: "Send the request again, and read the answer to its end",
  });
}
