import { rmSync, writeFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { pruneLogFolder } from "./log-folder.ts";
import type { LogAnswer, LogRequest } from "./log-protocol.ts";
import type { LogValue } from "./log-shape.ts";
import { parquetBytes } from "./parquet-bytes.ts";

/** The thread that keeps sampled rows and makes files of them, so that no request waits for an encoder or a disk. */

const port = parentPort;
if (port === null) throw new Error("log-thread.ts runs as a worker thread");

const files = new Map<number, (readonly LogValue[])[]>();

port.on("message", (request: LogRequest) => {
  switch (request.kind) {
    case "rows": {
      const rows = files.get(request.file);
      if (rows === undefined) files.set(request.file, [...request.rows]);
      else rows.push(...request.rows);
      return;
    }
    case "discard":
      files.delete(request.file);
      return;
    case "write":
      say(() => write(request));
      return;
    case "prune":
      say(() => pruneLogFolder(request));
  }
});

function write({ file, path, description, columns, leftOut }: Extract<LogRequest, { kind: "write" }>): void {
  const gone = new Set(leftOut);
  const rows = (files.get(file) ?? []).filter((_, row) => !gone.has(row));
  try {
    writeFileSync(path, parquetBytes(description, columns, rows), { flag: "wx", flush: true });
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

function say(work: () => void): void {
  let answer: LogAnswer = { kind: "done" };
  try {
    work();
  } catch (error) {
    answer = { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
  port?.postMessage(answer);
}
