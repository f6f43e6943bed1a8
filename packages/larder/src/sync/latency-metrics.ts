import { LATENCY_EDGES_MS, type LatencyCounts, type ViewCounts } from "@larder/materializer/stream";

const HISTOGRAMS = [
  ["event_to_broker", "From an event to its append at the broker", ({ lag }) => lag.eventToBroker],
  ["broker_to_readable", "From the append until the row could be read", ({ lag }) => lag.brokerToReadable],
  ["event_to_readable", "From an event until its row could be read", ({ lag }) => lag.eventToReadable],
] as const satisfies readonly (readonly [string, string, (counts: ViewCounts) => LatencyCounts])[];

/** The latencies of a sync in Prometheus' text format: counted elsewhere already, which prom-client's histograms cannot take over. */
export function latencyText(views: readonly ViewCounts[]): string {
  return HISTOGRAMS.map(([name, help, of]) => {
    const metric = `larder_sync_${name}_seconds`;
    const lines = views.flatMap((counts) => samples(metric, counts, of(counts)));
    return [`# HELP ${metric} ${help}`, `# TYPE ${metric} histogram`, ...lines, ""].join("\n");
  }).join("\n");
}

function samples(metric: string, { view, tenant }: ViewCounts, { count, sumMs, classes }: LatencyCounts): string[] {
  const labels = `view="${escaped(view)}",tenant="${escaped(tenant)}"`;
  let below = 0;
  const buckets = LATENCY_EDGES_MS.map((edge, at) => {
    below += classes[at] ?? 0;
    return `${metric}_bucket{${labels},le="${edge / 1_000}"} ${below}`;
  });
  return [
    ...buckets,
    `${metric}_bucket{${labels},le="+Inf"} ${count}`,
    `${metric}_sum{${labels}} ${sumMs / 1_000}`,
    `${metric}_count{${labels}} ${count}`,
  ];
}

/** Tenants may have any name. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
