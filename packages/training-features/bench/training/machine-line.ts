import { cpus, loadavg, release } from "node:os";
import { version } from "@duckdb/node-api";

/** Machine, its load and versions, in a line. */
export function machineLine(): string {
  const load = loadavg()
    .map((value) => value.toFixed(1))
    .join(", ");
  return `${cpus().length} x ${cpus()[0]?.model ?? "CPU"}, load averages ${load}; Linux ${release()}, Node ${process.version}, DuckDB ${version()}`;
}
