import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { LarderError } from "@larder/schema";
import type { JoinPlace } from "./historical-joins.ts";

/** A body that is a Parquet file, as it was put on disk. */
export class ParquetBody {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }
}

/**
 * Puts a body into a file that goes with the place of its join; of a large one no more than a piece is in memory.
 * @throws PAYLOAD_TOO_LARGE
 */
export async function readParquetBody(body: Readable, limitBytes: number, place: JoinPlace): Promise<ParquetBody> {
  const folder = await mkdtemp(join(tmpdir(), "larder-entity-rows-"));
  place.defer(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "rows.parquet");
  await using file = await open(path, "wx");
  let bytes = 0;
  // A request that is destroyed could not be answered any more.
  for await (const piece of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > limitBytes) throw tooLarge();
    await file.write(piece);
  }
  return new ParquetBody(path);
}

function tooLarge(): LarderError {
  return new LarderError("PAYLOAD_TOO_LARGE", {
    what: "The body is larger than server.historical.body_limit",
    remedy: "Split the entity rows, or build the training set with `larder training-set`",
    facts: { field: "body" },
  });
}
