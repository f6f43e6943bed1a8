import { access, constants } from "node:fs/promises";
import { type Definitions, type FeatureView, LarderError } from "@larder/schema";
import { type FileRow, unreadable } from "./file-row.ts";
import { readNdjson } from "./ndjson.ts";

/** Which file, and for which view its columns are typed. */
export interface FileRowsRequest {
  readonly definitions: Definitions;
  readonly view: FeatureView;
  /** Absolute path, or `s3://` address of a Parquet file; its ending tells the format. */
  readonly file: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the reader of an .ndjson, .jsonl or .parquet file; each call of it reads the file from its beginning.
 * @throws USAGE for another ending; SOURCE_NOT_FOUND, SOURCE_UNREADABLE
 */
export async function openFileRows(request: FileRowsRequest): Promise<() => AsyncIterable<FileRow>> {
  const { file, signal } = request;
  const ndjson = /\.(ndjson|jsonl)$/i.test(file);
  if (!ndjson && !/\.parquet$/i.test(file)) {
    throw new LarderError("USAGE", {
      what: `The name of ${file} does not tell its format`,
      remedy: "Give a file whose name ends in .ndjson or .parquet",
      facts: { field: "from" },
    });
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(file)) {
    if (!ndjson) return () => readParquet(request);
    throw new LarderError("UNSUPPORTED", {
      what: `${file} is in an object store, where Larder reads Parquet`,
      remedy: "Copy it to a local file, or write it as Parquet",
      facts: { field: "from" },
    });
  }
  await access(file, constants.R_OK).catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  if (!ndjson) return () => readParquet(request);
  return () => readNdjson(file, signal);
}

async function* readParquet(request: FileRowsRequest): AsyncGenerator<FileRow> {
  const { readFileRows } = await import("@larder/training-features");
  for await (const { rows, first, columns } of readFileRows(request)) {
    for (const [index, record] of rows.entries()) yield { place: `row ${first + index + 1}`, record, columns };
  }
}
