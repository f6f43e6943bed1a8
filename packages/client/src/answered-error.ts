import { ERROR_CODES, type ErrorCode, LarderError, type Problem } from "@larder/schema/portable";

/** What {@link answeredError} reads of a body, in either form. */
interface Detail {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly message?: unknown;
  readonly field?: unknown;
  readonly remedy?: unknown;
  readonly request_id?: unknown;
  readonly problems?: unknown;
}

/** Statuses that say "later" whatever the body says: a proxy in front has no codes. */
const LATER: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * The error that a server answered: its own code where the body has one of the closed list (RFC 9457, or Feast's JSON in a JSON string), otherwise
 * REQUEST_FAILED. `facts` has status and request id.
 */
export function answeredError({ status }: Response, text: string): LarderError {
  const detail = readDetail(text);
  const code = isErrorCode(detail.code) ? detail.code : undefined;
  const requestId = typeof detail.request_id === "string" ? detail.request_id : undefined;
  return new LarderError(code ?? "REQUEST_FAILED", {
    what: textOf(detail.detail) ?? withoutRemedy(detail) ?? `The server answered ${status}`,
    remedy: textOf(detail.remedy) ?? "Look for the request in the logs of the server and of what is in front of it",
    facts: {
      status,
      ...(requestId === undefined ? {} : { request_id: requestId }),
      ...(typeof detail.field === "string" ? { field: detail.field } : {}),
    },
    problems: Array.isArray(detail.problems) ? detail.problems.filter(isProblem) : [],
    retryable: LATER.has(status),
  });
}

function readDetail(text: string): Detail {
  let value: unknown = text;
  // Feast's routes answer JSON text in a JSON string.
  for (let level = 0; level < 2 && typeof value === "string"; level++) {
    try {
      value = JSON.parse(value);
    } catch {
      // Not JSON: an answer of something in between. The status tells enough.
      return {};
    }
  }
  return typeof value === "object" && value !== null ? value : {};
}

/** Feast's message is fact and remedy in one. */
function withoutRemedy({ message, remedy }: Detail): string | undefined {
  const whole = textOf(message);
  const tail = `. ${remedy}.`;
  return whole?.endsWith(tail) ? whole.slice(0, -tail.length) : whole;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isErrorCode(code: unknown): code is ErrorCode {
  return (ERROR_CODES as readonly unknown[]).includes(code);
}

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "place" in value && "what" in value;
}
