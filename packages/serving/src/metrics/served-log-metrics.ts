import { Counter, Gauge, type Registry } from "prom-client";
import { LOG_OUTCOMES, type ServedLog } from "../served-log/served-log.ts";

/** Shows what became of the rows of a log, as it tells when metrics are read. */
export function watchServedLog(registry: Registry, log: ServedLog): void {
  const registers = [registry];
  new Counter({
    name: "larder_served_log_rows_total",
    help: "Sampled rows: written to a file, left out as erased, dropped as too many waited (full), or lost (failed)",
    labelNames: ["model", "status"],
    registers,
    collect() {
      this.reset();
      for (const [model, counts] of log.use().rows) {
        for (const status of LOG_OUTCOMES) this.inc({ model, status }, counts[status]);
      }
    },
  });
  new Gauge({
    name: "larder_served_log_pending_rows",
    help: "Sampled rows that are in no file yet",
    registers,
    collect() {
      this.set(log.use().pendingRows);
    },
  });
}
