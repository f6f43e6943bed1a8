import { type Dirent, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { formatTime } from "@larder/schema";

/** Files of a log and what is left of ones that were never finished; anything else in the folder is somebody else's. */
const LOG_FILE = /^served-\d{8}T\d{12}Z-[0-9a-f]{8}-\d+\.parquet$/;
const PART = /^\.served-\d{8}T\d{12}Z-[0-9a-f]{8}-\d+\.parquet(\.\d+)?\.tmp$/;

/** Nobody writes one file for so long. Milliseconds. */
const PART_MS = 3_600_000;

/** The name of a file: of all processes only one makes it, and names sort by time. @param micros since 1970 */
export function logFileName(micros: number, writer: string, number: number): string {
  return `served-${formatTime(micros).replaceAll(/[-:.]/g, "")}-${writer}-${String(number).padStart(6, "0")}.parquet`;
}

/** The name that a file has until it is whole. */
export function logPartName(name: string, attempt: number): string {
  return `.${name}.${attempt}.tmp`;
}

/** Removes log files older than `keepMs`, then the oldest until the rest take at most `maxBytes`; `now` in milliseconds. */
export function pruneLogFolder(limits: {
  readonly folder: string;
  readonly now: number;
  readonly keepMs: number;
  readonly maxBytes: number;
}): void {
  const { folder, now, keepMs, maxBytes } = limits;
  const found: { readonly path: string; readonly age: number; readonly size: number }[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const whole = isLogFile(entry);
    if (!whole && !(entry.isFile() && PART.test(entry.name))) continue;
    const path = join(folder, entry.name);
    // Other processes remove files as well.
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    const age = now - stat.mtimeMs;
    if (age > (whole ? keepMs : PART_MS)) rmSync(path, { force: true });
    else if (whole) found.push({ path, age, size: stat.size });
  }
  let bytes = 0;
  for (const { path, size } of found.sort((a, b) => a.age - b.age)) {
    bytes += size;
    if (bytes > maxBytes) rmSync(path, { force: true });
  }
}

function isLogFile(entry: Dirent): boolean {
  return entry.isFile() && LOG_FILE.test(entry.name);
}
