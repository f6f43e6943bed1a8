import { isLarderError, LarderError } from "@larder/schema";
import { type ObjectFailure, objectError } from "../object-store/object-error.ts";
import { isObjectUrl } from "../object-store/object-url.ts";
import type { Damage } from "./find-damage.ts";
import type { EngineSubject } from "./offline-engine.ts";

/** DuckDB's error classes as its messages begin; the Node binding has no other mark. */
type ErrorClass = "interrupted" | "memory" | "space" | "other";

/** The files among which the reason of a failure is worth a search, that which the message names alone or first; none where it cannot be there. */
export function suspectFiles(error: unknown, subject: EngineSubject): readonly string[] {
  if (isLarderError(error) || subject.kind !== "source") return [];
  const message = messageOf(error);
  if (classOf(message) !== "other" || ofRequest(message, subject.files)) return [];
  const named = fileIn(message, subject.files);
  return named === undefined ? subject.files : [named];
}

/**
 * The one place that turns DuckDB's failures into coded errors, by their class and by what the statement worked on, and where that was found to be
 * damaged.
 */
export function duckDbError(error: unknown, subject: EngineSubject, damage?: Damage): LarderError {
  if (isLarderError(error)) return error;
  const message = messageOf(error);
  const summary = summaryOf(message);
  switch (classOf(message)) {
    case "interrupted":
      return aborted(error);
    case "memory":
      return new LarderError("OFFLINE_FAILED", {
        what: `DuckDB ran out of memory: ${summary}`,
        remedy: "Ask for fewer features or entity rows at a time, or run where more memory is free",
        cause: error,
      });
    case "space":
      return new LarderError("OFFLINE_FAILED", {
        what: `The disk is full: ${summary}`,
        remedy: "Free some space in the output's folder and in the folder for temporary files",
        cause: error,
      });
    case "other":
      return bySubject(error, { summary, message, damage }, subject);
  }
}

/** The error of a cancelled call. */
export function aborted(cause?: unknown): LarderError {
  return new LarderError("ABORTED", { what: "The work was cancelled", remedy: "Start it again when wanted", cause });
}

function classOf(message: string): ErrorClass {
  if (message.startsWith("INTERRUPT Error")) return "interrupted";
  if (message.startsWith("Out of Memory Error")) return "memory";
  if (message.startsWith("IO Error") && /No space left/i.test(message)) return "space";
  return "other";
}

interface Failure {
  readonly summary: string;
  readonly message: string;
  readonly damage: Damage | undefined;
}

function bySubject(cause: unknown, { summary, message, damage }: Failure, subject: EngineSubject): LarderError {
  switch (subject.kind) {
    case "source": {
      const [first = "", ...others] = subject.files;
      const path = damage?.file ?? fileIn(message, subject.files) ?? (others.length === 0 ? first : undefined);
      if (ofRequest(message, subject.files)) {
        return objectError(subject.nameOf?.(path ?? first) ?? path ?? first, httpFailureOf(message, summary));
      }
      const file = path === undefined ? undefined : (subject.nameOf?.(path) ?? path);
      const place = file === undefined ? `one of its ${subject.files.length} files` : file;
      const column = damage?.column === undefined ? "" : `: column "${damage.column}"`;
      return new LarderError("SOURCE_UNREADABLE", {
        what: `The source of feature view "${subject.view}" cannot be read: ${place}${column}: ${summary}`,
        remedy: "Replace the file with a whole one: it is truncated, damaged or no Parquet",
        facts: { view: subject.view, file, ...(damage?.column === undefined ? {} : { column: damage.column }) },
        cause,
      });
    }
    case "entities":
      return new LarderError("ENTITY_ROWS_INVALID", {
        what: `The entity rows cannot be read: ${subject.path}: ${summary}`,
        remedy: "Give a whole Parquet, CSV or NDJSON file",
        facts: { file: subject.path },
        cause,
      });
    case "output":
      return new LarderError("OUTPUT_UNWRITABLE", {
        what: `The training set cannot be written: ${subject.path}: ${summary}`,
        remedy: "Choose a folder that exists and can be written",
        facts: { file: subject.path },
        cause,
      });
    case "plan":
      return new LarderError("OFFLINE_FAILED", {
        what: `DuckDB failed: ${summary}`,
        remedy: "Report this with the feature_store.yaml and the request that led to it",
        cause,
      });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The file that a message names: the longest path, since another may be the beginning of it. */
function fileIn(message: string, files: readonly string[]): string | undefined {
  return files.filter((file) => message.includes(file)).sort((a, b) => b.length - a.length)[0];
}

/** Whether an object store's request failed, and not the reading of what it brought. */
function ofRequest(message: string, files: readonly string[]): boolean {
  return isObjectUrl(fileIn(message, files) ?? files[0] ?? "") && /^(HTTP|IO) Error/.test(message);
}

/** What httpfs says of a request: a status, or that no answer came. */
function httpFailureOf(message: string, summary: string): ObjectFailure {
  const status = /\b(?:HTTP |code )?([45]\d\d)\b(?= \(|\)| )/.exec(message.split("\n", 1)[0]!)?.[1];
  if (status !== undefined) return { status: Number(status), name: "HTTP", message: summary };
  const changed = /ETag/i.test(message);
  return { status: changed ? 412 : undefined, name: changed ? "ETag" : "ECONNRESET", message: summary };
}

/** The first line without the class, short: the rest repeats the statement. */
function summaryOf(message: string): string {
  const line = message
    .split("\n", 1)[0]!
    .replace(/^[A-Za-z ]+ Error: /, "")
    .trim();
  return (line.length > 300 ? `${line.slice(0, 300)}…` : line).replace(/\.$/, "");
}
