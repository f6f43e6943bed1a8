import { createReadStream } from "node:fs";
import { decodeUtf8, isLarderError, type Problem, parseJson } from "@larder/schema";
import { type FileRow, unreadable } from "./file-row.ts";

/** No row is near this long: a file without line ends must not fill the memory. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

/**
 * Reads newline-delimited JSON in bounded memory. Blank lines are skipped, integers stay exact. A line that is no UTF-8 or no JSON is answered as
 * a problem, so that the caller can list them all; places are `line 3`, counted from 1 as editors do.
 * @throws SOURCE_UNREADABLE, ABORTED
 */
export async function* readNdjson(file: string, signal?: AbortSignal): AsyncGenerator<FileRow> {
  let line = 0;
  for await (const bytes of splitLines(readFile(file, signal))) {
    line++;
    const place = `line ${line}`;
    if (bytes === undefined) {
      // Where the next line begins is not looked for: a file with such a line is no NDJSON.
      yield {
        place,
        problem: badLine(place, `is longer than ${MAX_LINE_BYTES} bytes`, "Write one JSON object per line"),
      };
      return;
    }
    const row = readLine(bytes, place);
    if (row !== undefined) yield row;
  }
}

function readLine(bytes: Buffer, place: string): FileRow | undefined {
  try {
    const text = decodeUtf8(bytes).replace(/^\ufeff/, "");
    return text.trim() === "" ? undefined : { place, record: parseJson(text) };
  } catch (error) {
    if (!isLarderError(error, "MALFORMED_REQUEST")) throw error;
    return { place, problem: badLine(place, error.what, error.remedy) };
  }
}

function badLine(place: string, what: string, remedy: string): Problem {
  return { place, field: "", what, remedy };
}

/** The bytes of each line without its end; undefined for a line that is too long, which ends the reading. */
async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer | undefined> {
  let rest: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, at)]);
      rest = [];
      length = 0;
      from = at + 1;
    }
    rest.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > MAX_LINE_BYTES) return yield undefined;
  }
  if (length > 0) yield Buffer.concat(rest);
}

async function* readFile(file: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file, signal === undefined ? {} : { signal });
  } catch (cause) {
    if (signal?.aborted && isLarderError(signal.reason)) throw signal.reason;
    throw unreadable(file, cause);
  }
}
