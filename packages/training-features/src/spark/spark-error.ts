import { type ErrorCode, type ErrorFacts, isLarderError, LarderError } from "@larder/schema";
import { aborted } from "../offline/duckdb-error.ts";
import type { EngineSubject } from "../offline/offline-engine.ts";

/** gRPC's status codes that mean more than "it failed". */
export const GRPC = {
  cancelled: 1,
  deadline: 4,
  denied: 7,
  exhausted: 8,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/**
 * The one place that turns what a Spark Connect server says into coded errors: by gRPC's status, by Spark's error class, and by what the statement worked
 * on. The innermost of `causes` becomes the fact `reason`.
 */
export function sparkError(
  error: unknown,
  subject: EngineSubject,
  server: string,
  causes: readonly string[] = [],
): LarderError {
  if (isLarderError(error)) return error;
  const status = grpcStatusOf(error);
  const message = detailsOf(error);
  const errorClass = errorClassOf(message);
  const reason = causes.at(-1);
  const facts = {
    server,
    ...(errorClass === undefined ? {} : { error_class: errorClass }),
    ...(reason === undefined ? {} : { reason: summaryOf(reason) }),
  };
  if (status === GRPC.cancelled || errorClass?.startsWith("OPERATION_CANCELED") === true) return aborted(error);
  if (status === GRPC.unauthenticated || status === GRPC.denied) {
    return failed(error, facts, {
      what: `Spark at ${server} refuses the caller: ${summaryOf(message)}`,
      remedy: "Correct the token of offline_store.remote, or what its user may do",
    });
  }
  if (status === GRPC.unavailable || status === GRPC.deadline) {
    return failed(error, facts, {
      what: `Spark at ${server} cannot be reached: ${summaryOf(message)}`,
      remedy: "See that the Spark Connect server runs there, and that use_ssl is what it speaks",
      retryable: true,
    });
  }
  if (errorClass?.startsWith("INVALID_HANDLE") === true) {
    return failed(error, facts, {
      what: `Spark at ${server} has ended the session: ${summaryOf(message)}`,
      remedy: "Start again; it has restarted, or thrown idle sessions out",
      retryable: true,
    });
  }
  return bySubject(error, message, errorClass, facts, subject);
}

/** gRPC's status code of an error; undefined if it is none of gRPC's. */
export function grpcStatusOf(error: unknown): number | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined;
}

function detailsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "details" in error && typeof error.details === "string" ? error.details : error.message;
}

/** Spark begins a message with the class of the error: `[PATH_NOT_FOUND] …`; what runs inside a task carries its own further down. */
function errorClassOf(message: string): string | undefined {
  return /\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)*)\]/.exec(message)?.[1];
}

/** The first line, without the stack that may follow. */
function summaryOf(message: string): string {
  const [line = ""] = message.split("\n");
  return line.length > 300 ? `${line.slice(0, 300)}…` : line.replace(/[.:\s]+$/, "");
}

interface Said {
  readonly what: string;
  readonly remedy: string;
  readonly retryable?: boolean;
}

function failed(cause: unknown, facts: ErrorFacts, said: Said): LarderError {
  return new LarderError("OFFLINE_FAILED", { ...said, facts, cause });
}

/** What is wrong with files, in Spark's classes and, for engines that have none, in their words. */
const MISSING = /PATH_NOT_FOUND|UNABLE_TO_INFER_SCHEMA|No such file|[Nn]o files found|does not exist|not found at/;
const MISMATCHED =
  /CANNOT_MERGE_SCHEMA|FAILED_MERGE|PARQUET_TYPE_|PARQUET_COLUMN_DATA_TYPE_MISMATCH|[Ss]chemas? mismatch|[Ff]ail to merge schema|[Cc]annot cast file schema/;
const UNREADABLE =
  /FAILED_READ_FILE|CANNOT_READ_FILE_FOOTER|CANNOT_LOAD_|is not a Parquet file|Parquet error|[Ii]nvalid Parquet|[Cc]orrupt/;

function bySubject(
  cause: unknown,
  message: string,
  errorClass: string | undefined,
  facts: ErrorFacts,
  subject: EngineSubject,
): LarderError {
  const summary = summaryOf(message);
  const coded = (code: ErrorCode, what: string, remedy: string, more: ErrorFacts): LarderError =>
    new LarderError(code, { what: `${what}: ${summary}`, remedy, facts: { ...facts, ...more }, cause });
  switch (subject.kind) {
    case "source": {
      const about = { view: subject.view, file: subject.files[0] ?? "" };
      const name = `The source of feature view "${subject.view}"`;
      const where = `The cluster reads ${about.file}`;
      if (MISSING.test(message))
        return coded(
          "SOURCE_NOT_FOUND",
          `${name} is not there`,
          `${where}; put its files there, or correct source.path or offline_store.path`,
          about,
        );
      if (MISMATCHED.test(message))
        return coded("SOURCE_MISMATCH", `${name} does not fit it`, `${where}; write its files with one schema`, about);
      if (UNREADABLE.test(message))
        return coded(
          "SOURCE_UNREADABLE",
          `${name} cannot be read`,
          `${where}; replace the files that are truncated, damaged or no Parquet`,
          about,
        );
      break;
    }
    case "entities":
      if (MISSING.test(message) || MISMATCHED.test(message) || UNREADABLE.test(message)) {
        return coded(
          "ENTITY_ROWS_INVALID",
          `The entity rows cannot be read: ${subject.path}`,
          "Give Parquet that the cluster sees, or a local file",
          { file: subject.path },
        );
      }
      break;
    case "output":
      return coded(
        "OUTPUT_UNWRITABLE",
        `The training set cannot be written: ${subject.path}`,
        "Choose a folder that the cluster may write",
        { file: subject.path },
      );
    case "plan":
      break;
  }
  return new LarderError("OFFLINE_FAILED", {
    what: `Spark failed${errorClass === undefined ? "" : ` (${errorClass})`}: ${summary}`,
    remedy: "Report this with the request that led to it",
    facts,
    cause,
  });
}
