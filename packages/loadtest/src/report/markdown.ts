import type { Outcome } from "../outcome.ts";
import { short } from "../run/verdict.ts";
import type { Report } from "./write-report.ts";

/** The report as Markdown: verdict, gates, loads, what the processes took. */
export function markdownOf({ title, machine, command, outcomes }: Report): string {
  return [`# ${title}`, `${machine}`, `Command: \`${command}\``, ...outcomes.map(outcomeText)]
    .join("\n\n")
    .concat("\n");
}

function outcomeText(outcome: Outcome): string {
  const { scenario, store, judged, missed, warnings, notes, runs } = outcome;
  const verdict = missed.length === 0 ? "All gates hold." : missed.map((line) => `- ${line}`).join("\n");
  const gates = judged.map(({ gate, rounds, value, met }) => [
    ...[gate.name, value === undefined ? "nothing measured" : short(value), `${gate.sign} ${short(gate.limit)}`],
    ...[met ? "yes" : "**no**", rounds.map((each) => (each === undefined ? "-" : short(each))).join(" ")],
  ]);
  return [
    `## ${scenario} on ${store}`,
    ...notes,
    verdict,
    ...(warnings.length === 0 ? [] : [warnings.map((line) => `- Warning: ${line}`).join("\n")]),
    table(["gate", "measured", "wanted", "kept", "rounds"], gates),
    table(["load", "requests", "p50 ms", "p95 ms", "p99 ms", "longest ms"], loadLines(outcome)),
    ...(runs.some(({ usage }) => usage.length > 0)
      ? [table(["process", "cores, mean", "memory MiB, last"], usageLines(outcome))]
      : []),
  ].join("\n\n");
}

/** Latencies of each load: of every round the statistic, of these the median. */
export function loadLines({ loads, runs }: Outcome): string[][] {
  return loads.map(({ name }) => {
    const of = (metric: string, statistic: string) => {
      const each = runs
        .map(({ metrics }) => metrics[`${metric}{load:${name}}`]?.[statistic])
        .filter((value) => value !== undefined);
      const sorted = each.sort((a, b) => a - b);
      const middle = sorted[sorted.length >> 1];
      return middle === undefined ? "-" : short(middle);
    };
    return [name, of("sent", "count"), ...["med", "p(95)", "p(99)", "max"].map((each) => of("latency_ms", each))];
  });
}

function usageLines({ runs }: Outcome): string[][] {
  const all = runs.flatMap(({ usage }) => usage);
  const names = [...new Set(all.flatMap(({ cpu }) => Object.keys(cpu)))];
  return names.map((name) => {
    const cpu = all.map((each) => each.cpu[name]).filter((value) => value !== undefined);
    const memory = all.map((each) => each.memory[name]).findLast((value) => value !== undefined) ?? 0;
    return [name, short(cpu.reduce((sum, each) => sum + each, 0) / cpu.length), short(memory / 2 ** 20)];
  });
}

export function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [row(head), row(head.map((_, column) => (column === 0 ? "---" : "---:"))), ...lines.map(row)].join("\n");
}
