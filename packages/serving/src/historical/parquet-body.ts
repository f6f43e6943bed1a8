import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
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
export async function readParquetBody(
  body: NodeJS.ReadableStream,
  limitBytes: number,
  place: JoinPlace,
): Promise<ParquetBody> {
  const folder = await mkdtemp(join(tmpdir(), "larder-entity-rows-"));
  place.defer(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "rows.parquet");
  let bytes = 0;
  const counted = new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      if (bytes > limitBytes) done(tooLarge());
      else done(null, piece);
    },
  });
  await pipeline(body, counted, createWriteStream(file));
  return new ParquetBody(file);
}

function tooLarge(): LarderError {
  return new LarderError("PAYLOAD_TOO_LARGE", {
    what: "The body is larger than server.historical.body_limit",
    remedy: "Split the entity rows, or build the training set with `larder training-set`",
    facts: { field: "body" },
  });
}
