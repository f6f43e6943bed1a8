import { STATUS_CODES } from "node:http";
import {
  ERROR_STATUS,
  type ErrorStyle,
  type FeastErrorDetail,
  type InferenceErrorBody,
  JSON_MEDIA_TYPE,
  MAX_LISTED_PROBLEMS,
  PROBLEM_MEDIA_TYPE,
  type ProblemBody,
} from "@larder/contract";
import type { ErrorCode, LarderError } from "@larder/schema";

/** An error as it goes over the wire. */
export interface ErrorAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Feast's classes for what Feast has a class for; its client imports the class by these names. */
const FEAST_CLASSES: Readonly<Partial<Record<ErrorCode, string>>> = {
  UNKNOWN_VIEW: "FeatureViewNotFoundException",
  UNKNOWN_SERVICE: "FeatureServiceNotFoundException",
  UNKNOWN_PUSH_SOURCE: "PushSourceNotFoundException",
  UNKNOWN_FEATURE: "FeastObjectNotFoundException",
  UNKNOWN_TENANT: "FeastObjectNotFoundException",
  FEATURE_NAME_COLLISION: "FeatureNameCollisionError",
  FORBIDDEN: "FeastPermissionError",
};

/** Words an error for a route. A failure of ours keeps its facts for the log: its body says only which part failed. */
export function errorAnswer(error: LarderError, style: ErrorStyle, requestId: string): ErrorAnswer {
  const problem = problemBody(error, requestId);
  const { status } = problem;
  if (style !== "problem") {
    const { type: _type, title: _title, status: _status, detail: what, ...facts } = problem;
    if (style === "inference") {
      const body: InferenceErrorBody = { error: `${what}. ${facts.remedy}.`, ...facts };
      return { status, contentType: JSON_MEDIA_TYPE, body: JSON.stringify(body) };
    }
    const detail: FeastErrorDetail = {
      module: "feast.errors",
      class: FEAST_CLASSES[error.code] ?? "FeastError",
      message: `${what}. ${facts.remedy}.`,
      ...facts,
    };
    return { status, contentType: JSON_MEDIA_TYPE, body: JSON.stringify(JSON.stringify(detail)) };
  }
  return { status, contentType: PROBLEM_MEDIA_TYPE, body: JSON.stringify(problem) };
}

/** An error in the words of RFC 9457. `requestId` is what the log knows it by. */
export function problemBody(error: LarderError, requestId: string): ProblemBody {
  const status = ERROR_STATUS[error.code];
  const told = isCallersOwn(error.code);
  const { what, remedy } = told ? error : publicWords(error.code, requestId);
  return {
    type: `urn:larder:error:${error.code}`,
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail: what,
    code: error.code,
    ...fieldOf(error, told),
    remedy,
    request_id: requestId,
    ...problemsOf(error, told),
  };
}

/** Whether an error is about the caller, who hears all of it: what it got wrong, or that its own quota is used up. Others are a failure of ours. */
export function isCallersOwn(code: ErrorCode): boolean {
  return ERROR_STATUS[code] < 500 || code === "QUOTA_EXCEEDED";
}

function publicWords(code: ErrorCode, requestId: string): { what: string; remedy: string } {
  if (code.startsWith("STORE_")) {
    return { what: "The online store is not available", remedy: "Repeat the request after the seconds in Retry-After" };
  }
  if (code === "AUTH_UNAVAILABLE") {
    return { what: "Tokens cannot be judged now", remedy: "Repeat the request after the seconds in Retry-After" };
  }
  if (code === "MODEL_NOT_READY") {
    return { what: "The model is not ready", remedy: "Repeat the request after the seconds in Retry-After" };
  }
  if (code === "DEADLINE_EXCEEDED") {
    return { what: "The work took longer than the server allows", remedy: "Ask for less at a time" };
  }
  if (code === "MISSING_DEPENDENCY") {
    const remedy = `Look for request ${requestId} in the server's log, which names the package`;
    return { what: "The server lacks an optional package that this request needs", remedy };
  }
  const what = code === "MODEL_FAILED" ? "The model failed on this input" : "The server failed on this request";
  return { what, remedy: `Look for request ${requestId} in the server's log` };
}

function fieldOf(error: LarderError, told: boolean): { field?: string } {
  const field = error.facts["field"] ?? error.problems[0]?.field;
  return told && typeof field === "string" ? { field } : {};
}

function problemsOf(error: LarderError, told: boolean): Pick<ProblemBody, "problems" | "problems_total"> {
  if (!told || error.problems.length === 0) return {};
  return {
    problems: error.problems.slice(0, MAX_LISTED_PROBLEMS).map((problem) => ({ ...problem })),
    problems_total: error.problems.length,
  };
}
