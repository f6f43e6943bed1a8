import { LarderError } from "@larder/schema";
import type { RecordBatch } from "apache-arrow";
import { recordBatches } from "../offline/arrow-file.ts";
import type { EngineCall, OfflineEngine } from "../offline/offline-engine.ts";
import type { SparkEngine } from "./spark-session.ts";
import { quoteSparkName } from "./spark-text.ts";

/** Bytes of one message to the server. Spark takes 128 MiB. */
const MESSAGE_BYTES = 16 * 1024 * 1024;
/** The server holds what is shipped in its own memory. */
const MAX_BYTES = 512 * 1024 * 1024;

/**
 * Sends what a local query answers to the cluster, as the view `name` of the session there.
 * @throws UNSUPPORTED for more than {@link MAX_BYTES}, or a column of a type that Arrow files are not written with
 */
export async function shipRows(
  engine: OfflineEngine,
  sql: string,
  spark: SparkEngine,
  name: string,
  call: EngineCall,
): Promise<void> {
  const arrow = await import("apache-arrow");
  const parts: string[] = [];
  let batches: RecordBatch[] = [];
  let bytes = 0;
  let shipped = 0;
  const send = async (): Promise<void> => {
    const part = `${name}_${parts.length}`;
    const stream = arrow.tableToIPC(new arrow.Table(batches), "stream");
    shipped += stream.byteLength;
    if (shipped > MAX_BYTES) throw tooMuch();
    await spark.createView(part, { kind: "rows", arrow: stream }, call);
    parts.push(`SELECT * FROM ${quoteSparkName(part)}`);
    batches = [];
    bytes = 0;
  };
  for await (const batch of recordBatches(engine, sql, call, arrow)) {
    batches.push(batch);
    bytes += batch.data.byteLength;
    if (bytes >= MESSAGE_BYTES) await send();
  }
  if (batches.length > 0 || parts.length === 0) await send();
  await spark.createView(name, { kind: "sql", sql: parts.join("\nUNION ALL\n") }, call);
}

function tooMuch(): LarderError {
  return new LarderError("UNSUPPORTED", {
    what: `The entity rows take more than ${MAX_BYTES / 1024 / 1024} MiB on their way to Spark`,
    remedy:
      "Put them where the cluster sees them, as Parquet, and give that path as entities and a path of the cluster as output",
  });
}
