import { LarderError, parseJson } from "@larder/schema/portable";
import { answeredError } from "./answered-error.ts";
import type { RetryPolicy } from "./retry-policy.ts";

/** What every request of a client shares. */
export interface TransportOptions {
  /** Without a slash at its end. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
  readonly retries: RetryPolicy;
  readonly fetch: typeof fetch;
}

/** One request. */
export interface Outgoing {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** JSON text. */
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole call, retries included. */
  readonly deadlineMs?: number | undefined;
}

/** A 2xx answer. */
export interface Incoming {
  readonly body: unknown;
  readonly headers: Headers;
}

/**
 * Sends a request and sends it again where that may help: every route of Larder may be repeated, since the newest row wins. Connections are kept
 * alive by `fetch` itself, for which every answer is read to its end.
 * @throws the error that the server answered; SERVER_UNAVAILABLE when none came, DEADLINE_EXCEEDED, ABORTED, REQUEST_FAILED for an answer that
 * is not Larder's
 */
export async function send(options: TransportOptions, outgoing: Outgoing): Promise<Incoming> {
  const { deadlineMs = options.deadlineMs, signal } = outgoing;
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = setTimeout(end, deadlineMs);
  signal?.addEventListener("abort", end, { once: true });
  if (signal?.aborted) end();
  try {
    return await attempts(options, outgoing, { signal: ending.signal, at: performance.now() + deadlineMs });
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    throw signal?.aborted ? aborted(signal.reason) : tooLate(options.url, deadlineMs, error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}

/** When a call ends: `at` in milliseconds of `performance.now()`. */
interface End {
  readonly signal: AbortSignal;
  readonly at: number;
}

async function attempts(options: TransportOptions, outgoing: Outgoing, end: End): Promise<Incoming> {
  for (let attempt = 1; ; attempt++) {
    const answer = await attemptOnce(options, outgoing, end.signal);
    if (!("failure" in answer)) {
      options.retries.succeeded();
      return answer;
    }
    if (!answer.failure.retryable) throw answer.failure;
    const waitMs = options.retries.failed(attempt, answer.retryAfterMs);
    if (waitMs === undefined || performance.now() + waitMs >= end.at) throw answer.failure;
    await pause(waitMs, end.signal);
  }
}

/** An attempt that may be worth another. */
interface Failed {
  readonly failure: LarderError;
  readonly retryAfterMs?: number | undefined;
}

/** @throws REQUEST_FAILED, and what the signal aborts with */
async function attemptOnce(
  options: TransportOptions,
  outgoing: Outgoing,
  signal: AbortSignal,
): Promise<Incoming | Failed> {
  signal.throwIfAborted();
  let response: Response;
  let text: string;
  try {
    response = await options.fetch(options.url + outgoing.path, {
      method: outgoing.method,
      headers: options.headers,
      signal,
      ...(outgoing.body === undefined ? {} : { body: outgoing.body }),
    });
    text = await response.text();
  } catch (cause) {
    const failure = new LarderError("SERVER_UNAVAILABLE", {
      what: `${options.url} gave no answer (${reason(cause)})`,
      remedy: "Check the url and that the server runs; the same call may succeed later",
      cause,
    });
    return { failure };
  }
  if (response.ok) return { body: readAnswer(text, response.status), headers: response.headers };
  return { failure: answeredError(response, text), retryAfterMs: retryAfter(response.headers) };
}

function readAnswer(text: string, status: number): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    throw new LarderError("REQUEST_FAILED", {
      what: `The answer of status ${status} is not JSON`,
      remedy: "Check that the url is Larder's and that nothing in between answers in its place",
      facts: { status },
      cause,
    });
  }
}

function aborted(cause: unknown): LarderError {
  return new LarderError("ABORTED", {
    what: "The call was aborted",
    remedy: "Nothing is to be done; a write that was under way may have been applied, and repeating it is safe",
    cause,
  });
}

function tooLate(url: string, deadlineMs: number, cause: unknown): LarderError {
  return new LarderError("DEADLINE_EXCEEDED", {
    what: `${url} gave no answer within ${deadlineMs} ms`,
    remedy: "Give the call more time with deadlineMs, or find what is slow in the server's metrics",
    facts: { deadlineMs },
    cause,
  });
}

/** `fetch` hides what went wrong in a cause. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}

/** Larder answers whole seconds; a date, which proxies may send, is left to the usual wait. */
function retryAfter(headers: Headers): number | undefined {
  const seconds = headers.get("retry-after");
  return seconds !== null && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
}
