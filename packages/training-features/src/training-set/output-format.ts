import { isListType, LarderError } from "@larder/schema";
import { isObjectUrl, refuseOtherStores } from "../object-store/object-url.ts";
import { writeArrowFile } from "../offline/arrow-file.ts";
import type { EngineCall, OfflineEngine } from "../offline/offline-engine.ts";

import { quoteText } from "../offline/sql-text.ts";
import type { JoinSpec } from "../point-in-time/join-spec.ts";

/** What a training set is written as. */
export type OutputFormat = "parquet" | "csv" | "arrow";

const FORMATS: Readonly<Record<string, OutputFormat>> = { parquet: "parquet", csv: "csv", arrow: "arrow" };

/** @throws UNSUPPORTED for a store other than S3, another extension, or features that CSV has no form for; for parts that are not files of Parquet here */
export function outputFormatOf(path: string, spec: JoinSpec, partitioned: boolean): OutputFormat {
  refuseOtherStores(path);
  if (partitioned) {
    if (!isObjectUrl(path) && !/\.(csv|arrow)$/i.test(path)) return "parquet";
    throw new LarderError("UNSUPPORTED", {
      what: `Partitions are written as Parquet into a folder of this machine, and "${path}" is none`,
      remedy: "Name a folder, or leave partition_by out",
      facts: { file: path },
    });
  }
  const format = FORMATS[path.slice(path.lastIndexOf(".") + 1).toLowerCase()];
  if (format === undefined) {
    throw new LarderError("UNSUPPORTED", {
      what: `A training set is written as Parquet, CSV or Arrow IPC, and "${path}" ends in none of .parquet, .csv and .arrow`,
      remedy: "Choose a name that does",
      facts: { file: path },
    });
  }
  const odd = spec.outputs.find(({ feature: { feature } }) => isListType(feature.type) || feature.type === "bytes");
  if (format === "csv" && odd !== undefined) {
    throw new LarderError("UNSUPPORTED", {
      what: `Feature "${odd.feature.output}" is ${odd.feature.feature.type}, which CSV has no form for`,
      remedy: "Write Parquet or Arrow, or leave the feature out",
      facts: { file: path, feature: odd.feature.output },
    });
  }
  return format;
}

/** How Parquet is written, whole or in parts. */
export const PARQUET = "FORMAT parquet, COMPRESSION zstd";

/** Writes what a query answers, in its order. @throws OUTPUT_UNWRITABLE, ABORTED, OFFLINE_FAILED; UNSUPPORTED for a column that Arrow files are not written with */
export async function writeOutput(
  engine: OfflineEngine,
  format: OutputFormat,
  sql: string,
  path: string,
  call: EngineCall,
): Promise<void> {
  if (format === "arrow") return writeArrowFile(engine, sql, path, call);
  const options = format === "parquet" ? PARQUET : "FORMAT csv, HEADER";
  await engine.run(`COPY (\n${sql}\n) TO ${quoteText(path)} (${options}, USE_TMP_FILE false)`, call);
}
