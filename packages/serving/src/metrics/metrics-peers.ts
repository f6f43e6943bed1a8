import { AggregatorRegistry, Counter, Gauge, type Registry } from "prom-client";

/** The metrics of a process at one time, as plain data that can be sent. */
export type MetricsSnapshot = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>;

/** What the other processes of a port counted. */
export interface PeerMetrics {
  readonly snapshots: readonly MetricsSnapshot[];
  /** Processes that answer requests, this one among them. */
  readonly workers: number;
  /** How many ended by themselves since the start. */
  readonly crashes: number;
}

/** Processes that serve the same port, of which one is asked for the metrics of all. */
export interface MetricsPeers {
  /** Called once with what reads the metrics of this process. */
  join(own: () => Promise<MetricsSnapshot>): void;
  /** Tells this process's own metrics and answers those of the others; undefined when they could not be had in time. */
  others(own: MetricsSnapshot): Promise<PeerMetrics | undefined>;
}

/** One text for several processes: counters and histograms are added, of a gauge the sum or the greatest counts. */
export async function metricsText(registry: Registry, peers: MetricsPeers | undefined): Promise<string> {
  if (peers === undefined) return registry.metrics();
  const own = await registry.getMetricsAsJSON();
  const others = await peers.others(own);
  const all = AggregatorRegistry.aggregate([own, ...(others?.snapshots ?? [])]);
  const registers = [all];
  const workers = new Gauge({ name: "larder_workers", help: "Processes that answer requests", registers });
  workers.set(others?.workers ?? Number.NaN);
  const crashes = new Counter({
    name: "larder_worker_crashes_total",
    help: "Processes that ended by themselves",
    registers,
  });
  crashes.inc(others?.crashes ?? 0);
  return all.metrics();
}
