import { METRICS } from "../k6/load-plan.ts";

/** One second of a load. Latencies in milliseconds, from when requests were due. */
export interface TimelineSecond {
  /** Seconds from the first sample. */
  readonly second: number;
  readonly load: string;
  /** Answers, fine or not. */
  readonly answers: number;
  readonly failures: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** What happened when, second by second, gathered from the samples that k6 writes as JSON lines. */
export interface Timeline {
  /** Takes a piece of k6's output; pieces may end anywhere. */
  add(text: string): void;
  seconds(): readonly TimelineSecond[];
}

/** Keeps the latencies of the last seconds only: of those before, what a {@link TimelineSecond} says. */
export function createTimeline(): Timeline {
  const open = new Map<string, OpenSecond>();
  const closed: TimelineSecond[] = [];
  let rest = "";
  let first: number | undefined;

  const close = (before: number) => {
    for (const [key, each] of open) {
      if (each.second >= before) continue;
      closed.push(closedSecond(each));
      open.delete(key);
    }
  };
  const take = (line: string) => {
    const latency = line.startsWith(LATENCY);
    if (!latency && !line.startsWith(FAILED)) return;
    const { data } = JSON.parse(line) as Sample;
    if (data.time === undefined) return;
    const at = Math.floor(Date.parse(data.time) / 1000);
    first ??= at;
    const second = at - first;
    const load = data.tags?.["load"] ?? "";
    const key = `${second} ${load}`;
    let into = open.get(key);
    if (into === undefined) {
      into = { second, load, latencies: [], failures: 0 };
      open.set(key, into);
      close(second - LATE_SECONDS);
    }
    if (latency) into.latencies.push(data.value);
    else into.failures += data.value;
  };
  return {
    add(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(line);
    },
    seconds: () => [...closed, ...[...open.values()].map(closedSecond)].sort((a, b) => a.second - b.second),
  };
}

const LATENCY = `{"metric":"${METRICS.latency}","type":"Point"`;
const FAILED = '{"metric":"http_req_failed","type":"Point"';
/** k6 writes samples in bunches, not in order. */
const LATE_SECONDS = 45;

interface Sample {
  readonly data: { readonly time?: string; readonly value: number; readonly tags?: Readonly<Record<string, string>> };
}

interface OpenSecond {
  readonly second: number;
  readonly load: string;
  readonly latencies: number[];
  failures: number;
}

function closedSecond({ second, load, latencies, failures }: OpenSecond): TimelineSecond {
  const sorted = latencies.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { second, load, answers: sorted.length, failures, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
