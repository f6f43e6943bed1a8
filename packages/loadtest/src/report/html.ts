import type { Outcome } from "../outcome.ts";
import { short } from "../run/verdict.ts";
import { escapeHtml, lineChart, type Series } from "./line-chart.ts";
import { loadLines } from "./markdown.ts";
import type { Report } from "./write-report.ts";

/** The report as one HTML page that loads nothing: verdict, gates, and charts over time. */
export function htmlOf({ title, machine, command, outcomes }: Report): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(machine)}<br><code>${escapeHtml(command)}</code></p>
${outcomes.map(outcomeHtml).join("\n")}
</body></html>
`;
}

const STYLE = `body{font:15px/1.45 system-ui,sans-serif;max-width:960px;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .8em;border-bottom:1px solid #ddd;text-align:right}
td:first-child,th:first-child{text-align:left}.missed{color:#b00020;font-weight:bold}.kept{color:#00693e;font-weight:bold}
figure{margin:1.5em 0}figcaption span{margin-left:1em}svg{width:100%;height:auto}
svg text{font-size:11px;fill:#555}.grid{stroke:#e4e4e4}.limit{stroke:#b00020;stroke-dasharray:6 4}
polyline{fill:none;stroke-width:1.5}`;

function outcomeHtml(outcome: Outcome): string {
  const { scenario, store, judged, missed, warnings, notes } = outcome;
  const verdict =
    missed.length === 0
      ? '<p class="kept">All gates hold.</p>'
      : `<ul class="missed">${missed.map((line) => `<li>${escapeHtml(line)}</li>`).join("")}</ul>`;
  const gates = judged.map(({ gate, value, met, rounds }) => [
    ...[gate.name, value === undefined ? "nothing measured" : short(value), `${gate.sign} ${short(gate.limit)}`],
    ...[met ? "kept" : "MISSED", rounds.map((each) => (each === undefined ? "-" : short(each))).join(" ")],
  ]);
  return `<h2>${escapeHtml(`${scenario} on ${store}`)}</h2>
${notes.map((note) => `<p>${escapeHtml(note)}</p>`).join("\n")}
${verdict}
${warnings.length === 0 ? "" : `<ul>${warnings.map((line) => `<li>Warning: ${escapeHtml(line)}</li>`).join("")}</ul>`}
${htmlTable(["gate", "measured", "wanted", "", "rounds"], gates)}
${htmlTable(["load", "requests", "p50 ms", "p95 ms", "p99 ms", "longest ms"], loadLines(outcome))}
${charts(outcome)}`;
}

function htmlTable(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (tag: string, cells: readonly string[]) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `<table>${row("th", head)}${lines.map((cells) => row("td", cells)).join("")}</table>`;
}

function charts({ loads, runs, judged }: Outcome): string {
  const seconds = inARow(runs.map(({ timeline }) => timeline.seconds()));
  const usage = inARow(runs.map((run) => run.usage));
  const names = loads.map(({ name }) => name);
  const ofLoad = (name: string, value: (each: (typeof seconds)[number]) => number, label = name): Series => ({
    name: label,
    points: seconds.filter((each) => each.load === name).map((each) => [each.second, value(each)]),
  });
  const processes = [...new Set(usage.flatMap(({ cpu }) => Object.keys(cpu)))];
  const ofUsage = (name: string, value: (each: (typeof usage)[number]) => number | undefined): Series => ({
    name,
    points: usage.flatMap((each) => {
      const found = value(each);
      return found === undefined ? [] : [[each.second, found] as const];
    }),
  });
  return [
    ...names.map((name) =>
      lineChart({
        ...{ title: `Latency of ${name}, from when requests were due`, unit: "ms" },
        series: [
          ...[ofLoad(name, ({ p50 }) => p50, "p50"), ofLoad(name, ({ p95 }) => p95, "p95")],
          ofLoad(name, ({ p99 }) => p99, "p99"),
        ],
        ...limitOf(name, loads, judged),
      }),
    ),
    lineChart({
      title: "Answers",
      unit: "per second",
      series: names.map((name) => ofLoad(name, ({ answers }) => answers)),
    }),
    lineChart({
      title: "Failed requests",
      unit: "per second",
      series: names.map((name) => ofLoad(name, ({ failures }) => failures)),
    }),
    lineChart({ title: "CPU", unit: "cores", series: processes.map((name) => ofUsage(name, ({ cpu }) => cpu[name])) }),
    lineChart({
      ...{ title: "Memory", unit: "MiB" },
      series: processes.map((name) => ofUsage(name, ({ memory }) => mebibytes(memory[name]))),
    }),
    lineChart({
      title: "Event loop of the server, p99 of how late it was",
      unit: "ms",
      series: [ofUsage("server", ({ eventLoopMs }) => eventLoopMs)],
    }),
  ].join("\n");
}

function limitOf(name: string, loads: Outcome["loads"], judged: Outcome["judged"]): { readonly limit?: number } {
  const budget = loads.find((load) => load.name === name)?.budget;
  const limit = judged.find(({ gate }) => gate.name === `${budget}.p99_ms`)?.gate.limit;
  return limit === undefined ? {} : { limit };
}

function mebibytes(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes / 2 ** 20;
}

/** Rounds one after the other on one time line. */
function inARow<Item extends { readonly second: number }>(rounds: readonly (readonly Item[])[]): Item[] {
  let start = 0;
  return rounds.flatMap((items) => {
    const moved = items.map((item) => ({ ...item, second: item.second + start }));
    start += Math.ceil(Math.max(0, ...items.map(({ second }) => second))) + 1;
    return moved;
  });
}
