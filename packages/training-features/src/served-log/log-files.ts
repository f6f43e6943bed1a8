import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isServedLogDescription, LarderError, SERVED_LOG_META, type ServedLogDescription } from "@larder/schema";
import type { EngineCall, OfflineEngine } from "../offline/offline-engine.ts";
import { fileList, quoteText } from "../offline/sql-text.ts";

/** Files of served vectors that hold the same columns. */
export interface LogFiles {
  readonly description: ServedLogDescription;
  /** Absolute, in order. */
  readonly files: readonly string[];
}

/** The whole files of a folder that end in .parquet, in order. @throws SOURCE_NOT_FOUND where there is no such folder */
export async function listLogFiles(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names
      .filter((name) => name.endsWith(".parquet") && !name.startsWith("."))
      .sort()
      .map((name) => join(folder, name));
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new LarderError("SOURCE_NOT_FOUND", {
      what: `The log of served vectors ${folder} cannot be read (${code})`,
      remedy: "Name the folder that server.served_log.path names",
      facts: { folder },
      cause,
    });
  }
}

/** The call of a statement on files of a log. */
export function logCall(files: readonly string[], signal: AbortSignal | undefined): EngineCall {
  return { subject: { kind: "source", view: "served log", files }, signal };
}

/**
 * Reads how files describe themselves, those of equal columns together.
 * @throws SOURCE_MISMATCH for a file that is none of a log, or of a newer form; SOURCE_UNREADABLE
 */
export async function describeLogFiles(
  engine: OfflineEngine,
  files: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly LogFiles[]> {
  if (files.length === 0) return [];
  const rows = await engine.rows(
    `SELECT file_name AS file, value FROM parquet_kv_metadata(${fileList(files)}) WHERE key = encode(${quoteText(SERVED_LOG_META)})`,
    logCall(files, signal),
  );
  const texts = new Map(rows.map(({ file, value }) => [String(file), Buffer.from(value as Uint8Array).toString()]));
  const groups = new Map<string, { description: ServedLogDescription; files: string[] }>();
  for (const file of files) {
    const text = texts.get(file) ?? "";
    const found = groups.get(text);
    if (found === undefined) groups.set(text, { description: descriptionOf(text, file), files: [file] });
    else found.files.push(file);
  }
  return [...groups.values()];
}

function descriptionOf(text: string, file: string): ServedLogDescription {
  let value: unknown;
  try {
    value = text === "" ? undefined : JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isServedLogDescription(value)) return value;
  throw new LarderError("SOURCE_MISMATCH", {
    what: `${file} is no log of served vectors that this Larder knows`,
    remedy: "Keep other files out of the folder, or use the Larder that wrote it",
    facts: { file },
  });
}
