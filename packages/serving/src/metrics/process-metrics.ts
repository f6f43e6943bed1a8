import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, type Registry } from "prom-client";

/** How often the event loop is looked at, in milliseconds. */
const RESOLUTION_MS = 10;

/** What tells how a process fares: the delay of its event loop since metrics were last read, its processor time and its memory. */
export class ProcessMetrics {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor(registry: Registry) {
    const registers = [registry];
    const delay = this.#delay;
    delay.enable();
    // Of several workers the slowest counts, and every reading is of the time since the one before.
    new Gauge({
      name: "larder_event_loop_delay_seconds",
      help: "How late the event loop was since the last reading; with several workers, of the one that was latest",
      labelNames: ["quantile"],
      aggregator: "max",
      registers,
      collect() {
        for (const quantile of [50, 99, 100]) {
          const seconds = Math.max(0, delay.percentile(quantile) / 1e9 - RESOLUTION_MS / 1000);
          this.set({ quantile: String(quantile / 100) }, delay.count === 0 ? 0 : seconds);
        }
        delay.reset();
      },
    });
    new Counter({
      name: "process_cpu_seconds_total",
      help: "Processor time that was used",
      registers,
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
    new Gauge({
      name: "process_resident_memory_bytes",
      help: "Resident memory; with several workers their sum, in which pages that they share count several times",
      registers,
      collect() {
        this.set(process.memoryUsage.rss());
      },
    });
    new Gauge({
      name: "nodejs_heap_used_bytes",
      help: "JavaScript's heap in use; with several workers their sum",
      registers,
      collect() {
        this.set(process.memoryUsage().heapUsed);
      },
    });
  }

  close(): void {
    this.#delay.disable();
  }
}
