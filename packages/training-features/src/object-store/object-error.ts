import { LarderError } from "@larder/schema";

/** How a request of the store failed. */
export interface ObjectFailure {
  /** HTTP status; undefined where no answer came. */
  readonly status: number | undefined;
  /** S3's or the system's name of the failure. */
  readonly name: string;
  readonly message: string;
}

/** No byte came for longer than `offline_store.s3.timeout`. */
export class SilentServerError extends Error {
  override readonly name = "Silence";
  constructor(ms: number) {
    super(`no byte came for ${ms} ms`);
  }
}

/** Failures that another try may mend, where no status tells. */
const PASSING = new Set([
  "Silence",
  "TimeoutError",
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "ERR_STREAM_PREMATURE_CLOSE",
]);

/** Names in S3's answers that mean "later", whatever their status. */
const LATER = new Set(["SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "RequestTimeTooSkewed"]);

/** What an error of the SDK says, without the request that it may carry. */
export function failureOf(error: unknown): ObjectFailure {
  if (!(error instanceof Error)) return { status: undefined, name: "Error", message: String(error) };
  const { $metadata, code } = error as { $metadata?: { httpStatusCode?: number }; code?: unknown };
  const name = typeof code === "string" && code !== "" ? code : error.name;
  return { status: $metadata?.httpStatusCode, name, message: error.message };
}

/** Whether another try may succeed. */
export function isPassing({ status, name }: ObjectFailure): boolean {
  if (LATER.has(name)) return true;
  if (status !== undefined) return status >= 500 || status === 429 || status === 408;
  return PASSING.has(name);
}

/** The coded error of a read. Its cause is the failure's text alone: requests carry signatures and session tokens. */
export function objectError(url: string, failure: ObjectFailure): LarderError {
  const { status, name, message } = failure;
  const said = `${status === undefined ? "" : `${status} `}${name}${message === "" || message === name ? "" : `: ${oneLine(message)}`}`;
  const facts = { object: url, ...(status === undefined ? {} : { status }) };
  const cause = new Error(said);
  if (status === 404) {
    const what = name === "NoSuchBucket" ? `There is no bucket for ${url}` : `There is no object ${url}`;
    return new LarderError("SOURCE_NOT_FOUND", { what, remedy: "Correct its address", facts, cause });
  }
  if (status === 412) {
    return new LarderError("SOURCE_UNREADABLE", {
      what: `${url} changed while it was read`,
      remedy: "Run again when nothing replaces it",
      facts,
      retryable: true,
      cause,
    });
  }
  return new LarderError("SOURCE_UNREADABLE", {
    what: `${url} cannot be read: ${said}`,
    remedy: remedyOf(failure),
    facts,
    retryable: isPassing(failure),
    cause,
  });
}

function remedyOf(failure: ObjectFailure): string {
  const { status, name } = failure;
  if (name === "CredentialsProviderError") {
    return "Give offline_store.s3 access_key_id and secret_access_key, or AWS_ACCESS_KEY_ID or AWS_PROFILE in the environment";
  }
  if (status === 401 || status === 403 || /ExpiredToken|InvalidToken/.test(name)) {
    return "See that the credentials are right and not expired, and may list and read that bucket";
  }
  if (status === 301 || status === 307 || /Region/.test(name)) return "Correct offline_store.s3.region or endpoint";
  if (isPassing(failure)) return "See that the server runs and can be reached, and run again";
  return "See that offline_store.s3 is right and that the object can be read by other means";
}

function oneLine(text: string): string {
  const line = text.split("\n", 1)[0]!.trim().replace(/\.$/, "");
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
