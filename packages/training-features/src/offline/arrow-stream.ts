import { pipeline, Readable, type Transform } from "node:stream";
import { recordBatches } from "./arrow-file.ts";
import type { EngineCall, OfflineEngine } from "./offline-engine.ts";

/**
 * What a query answers as an Arrow IPC stream, batch by batch, in its order. One batch is made ahead of what is read.
 * @throws UNSUPPORTED for a column of a type that is not written; ABORTED, OFFLINE_FAILED
 */
export async function* arrowStream(engine: OfflineEngine, sql: string, call: EngineCall): AsyncGenerator<Uint8Array> {
  const arrow = await import("apache-arrow");
  const batches = Readable.from(recordBatches(engine, sql, call, arrow), { highWaterMark: 1 });
  const writer = arrow.RecordBatchStreamWriter.throughNode() as Transform;
  // What fails is thrown where the bytes are read.
  pipeline(batches, writer, () => {});
  for await (const bytes of writer) yield bytes as Uint8Array;
}
