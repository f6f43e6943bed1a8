/**
 * Every way Larder can fail, as a closed list: callers branch on the code, never on the message.
 * The HTTP status of each code is in `@larder/contract` (error-status.ts), the CLI exit code in `exitCodeOf`.
 */
export const ERROR_CODES = [
  // wrong usage or configuration (CLI exit 2)
  "USAGE",
  "CONFIG_INVALID",
  "CONFIG_UNREADABLE",
  "CONFIRMATION_REQUIRED",
  "MISSING_DEPENDENCY",
  "UNSUPPORTED",
  "UNSAFE_LISTEN",
  "PORT_IN_USE",
  "DEFINITIONS_INCOMPATIBLE",
  // generated code that no longer fits (CLI exit 1)
  "CODEGEN_STALE",
  // names a caller got wrong
  "UNKNOWN_VIEW",
  "UNKNOWN_FEATURE",
  "UNKNOWN_SERVICE",
  "UNKNOWN_MODEL",
  "UNKNOWN_TENANT",
  "UNKNOWN_PUSH_SOURCE",
  "UNKNOWN_ROUTE",
  "UNKNOWN_JOB",
  // values a caller got wrong
  "MALFORMED_REQUEST",
  "INVALID_REQUEST",
  "INVALID_ROWS",
  "FEATURE_NAME_COLLISION",
  "FEATURE_MISSING",
  "PAYLOAD_TOO_LARGE",
  "HEADERS_TOO_LARGE",
  "REQUEST_TIMEOUT",
  "UNSUPPORTED_MEDIA_TYPE",
  "METHOD_NOT_ALLOWED",
  "RATE_LIMITED",
  "UNSAFE_INTEGER",
  "INEXACT_VALUE",
  "WRONG_WIDTH",
  // who the caller is
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "AUTH_UNAVAILABLE",
  // the online store
  "QUOTA_EXCEEDED",
  "STORE_UNAVAILABLE",
  "STORE_TIMEOUT",
  "STORE_CLOSED",
  "STORE_CONFLICT",
  "STORE_CORRUPT",
  "STORE_FORMAT_NEWER",
  "STORE_MISCONFIGURED",
  // the offline store
  "SOURCE_NOT_FOUND",
  "SOURCE_UNREADABLE",
  "SOURCE_MISMATCH",
  "ENTITY_ROWS_INVALID",
  "CREATED_LOOKS_LIKE_LOAD_TIME",
  "LEAK_FOUND",
  "OUTPUT_UNWRITABLE",
  "OFFLINE_FAILED",
  // models
  "MODEL_UNREADABLE",
  "MODEL_MISMATCH",
  "MODEL_FAILED",
  "MODEL_NOT_READY",
  "MODEL_BUSY",
  "MODEL_TRAINED_ON_OTHER_DEFINITIONS",
  // the stream
  "STREAM_MISCONFIGURED",
  "STREAM_UNAVAILABLE",
  "STREAM_FENCED",
  "STREAM_CLOSED",
  "STREAM_POISONED",
  "STREAM_GROUP_ACTIVE",
  "RECORD_UNREADABLE",
  "RECORD_INVALID",
  // measurements
  "MACHINE_MISMATCH",
  // processes
  "WORKER_CRASHED",
  // what a client meets
  "SERVER_UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  // the rest
  "REQUEST_FAILED",
  "ABORTED",
  "INTERNAL",
] as const;

/** One of the closed list of failures. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Facts of an error: small, printable, never secret. `field` names the input at fault, `place` is `file:line:col`. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | undefined | readonly (string | number)[]>>;

/** What is needed to make a {@link LarderError}. */
export interface LarderErrorInit {
  /** What is wrong, as a fact, without a final stop. */
  readonly what: string;
  /** What the reader can do about it: an imperative sentence without a final stop. */
  readonly remedy: string;
  readonly facts?: ErrorFacts;
  /** Whether the same call may succeed later, unchanged. Default: the code's own answer. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
  /** Several problems of one input, when a single place cannot tell. */
  readonly problems?: readonly Problem[];
  /** The error's whole message, where a list of problems says more than `what` and `remedy` in a line. Default: both, as two sentences. */
  readonly message?: string;
}

/** One problem of an input that has several. */
export interface Problem {
  /** `file:line:col` or `row 3`. */
  readonly place: string;
  /** The key, column or field at fault. */
  readonly field: string;
  readonly what: string;
  readonly remedy: string;
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "STORE_UNAVAILABLE",
  "STORE_TIMEOUT",
  "STORE_CONFLICT",
  "RATE_LIMITED",
  "AUTH_UNAVAILABLE",
  "MODEL_NOT_READY",
  "MODEL_BUSY",
  "STREAM_UNAVAILABLE",
  "SERVER_UNAVAILABLE",
]);

const MARK = Symbol.for("larder.error");

/** The one error that Larder throws on purpose. Recognise it with {@link isLarderError}, which works across copies of the package. */
export class LarderError extends Error {
  override readonly name = "LarderError";
  readonly code: ErrorCode;
  readonly what: string;
  readonly remedy: string;
  readonly facts: ErrorFacts;
  readonly retryable: boolean;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, init: LarderErrorInit) {
    super(
      init.message ?? `${init.what}. ${init.remedy}.`,
      init.cause === undefined ? undefined : { cause: init.cause },
    );
    this.code = code;
    this.what = init.what;
    this.remedy = init.remedy;
    this.facts = init.facts ?? {};
    this.retryable = init.retryable ?? RETRYABLE.has(code);
    this.problems = init.problems ?? [];
    Object.defineProperty(this, MARK, { value: true });
  }
}

/** True for a {@link LarderError} of any copy of this package, with one of `codes` if any are given. */
export function isLarderError(error: unknown, ...codes: readonly ErrorCode[]): error is LarderError {
  if (typeof error !== "object" || error === null || !Reflect.has(error, MARK)) return false;
  return codes.length === 0 || ("code" in error && codes.includes(error.code as ErrorCode));
}

const USAGE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "USAGE",
  "CONFIG_INVALID",
  "CONFIG_UNREADABLE",
  "CONFIRMATION_REQUIRED",
  "MISSING_DEPENDENCY",
  "UNSUPPORTED",
  "UNSAFE_LISTEN",
  "DEFINITIONS_INCOMPATIBLE",
  "UNKNOWN_VIEW",
  "UNKNOWN_FEATURE",
  "UNKNOWN_SERVICE",
  "UNKNOWN_MODEL",
  "UNKNOWN_TENANT",
  "UNKNOWN_PUSH_SOURCE",
  "INVALID_REQUEST",
  "FEATURE_NAME_COLLISION",
  "STREAM_MISCONFIGURED",
]);

/** The CLI's exit code for an error: 2 for wrong usage or configuration, 1 for everything else. */
export function exitCodeOf(error: unknown): 1 | 2 {
  return isLarderError(error) && USAGE_CODES.has(error.code) ? 2 : 1;
}
