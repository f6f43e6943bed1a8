import { percentile } from "./ratio-interval.ts";

/** One figure of a report. */
export interface Figure {
  /** What was measured and which figure of it: `100 entities, 3 views, Larder: p50`. */
  readonly name: string;
  readonly better: "lower" | "higher";
  readonly value: number;
}

/** Names of figures in the reports of this repository's benches, and what is good of them. Several values are a figure's rounds. */
const FIGURES: Readonly<Record<string, Figure["better"]>> = {
  p50: "lower",
  p99: "lower",
  clientCpu: "lower",
  serverCpu: "lower",
  callsPerSecond: "higher",
  perSecond: "higher",
  rowsPerSecond: "higher",
  cpuSeconds: "lower",
};

/** What says of an object in a report what it is about. */
const LABELS = ["entities", "views", "server", "client", "kind", "name", "plan", "size", "rate"];

/** Names of the lists that figures are in. */
const OUTER = ["figures", "results", "reads", "fast", "rates", "steady", "tables", "loads"];

/** What is measured for comparison only, and ratios to that: its speed is nobody's regression. */
const OTHERS = /^compared|by hand|bare|Feast|strings|floor|plain HSET|client tracking|read only|write only/i;

/**
 * The figures of a bench's report (reports/<name>.json of its package), wherever in it they are: every object with one of the known names of figures
 * counts, under the labels around it. Reports of older commits are read alike.
 */
export function figuresOfReport(report: unknown): readonly Figure[] {
  const found = new Map<string, Figure>();
  visit(report, [], (figure) => {
    if (!OTHERS.test(figure.name) && Number.isFinite(figure.value) && figure.value > 0) found.set(figure.name, figure);
  });
  return [...found.values()];
}

function visit(value: unknown, labels: readonly string[], take: (figure: Figure) => void): void {
  if (Array.isArray(value)) {
    for (const each of value) visit(each, labels, take);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const fields = Object.entries(value);
  const own = fields.flatMap(([key, label]) =>
    LABELS.includes(key) && ["string", "number"].includes(typeof label)
      ? [typeof label === "number" ? `${label} ${key}` : String(label)]
      : [],
  );
  const here = [...labels, ...own];
  for (const [key, field] of fields) {
    const better = FIGURES[key];
    const number = better === undefined ? undefined : numberOf(field);
    if (better !== undefined && number !== undefined) {
      take({ name: `${here.join(", ")}: ${key}`, better, value: number });
    } else if (key === "cpu" && typeof field === "object" && field !== null && "server" in field) {
      const server = numberOf(field.server);
      if (server !== undefined) take({ name: `${here.join(", ")}: cpu`, better: "lower", value: server });
    } else {
      // The reports' own lists say nothing; what a list or object inside of one is named says what it is about.
      visit(field, OUTER.includes(key) ? here : [...here, key], take);
    }
  }
}

/** A number, or the median of several. */
function numberOf(field: unknown): number | undefined {
  if (typeof field === "number") return field;
  if (Array.isArray(field) && field.length > 0 && field.every((each) => typeof each === "number")) {
    return percentile(field, 0.5);
  }
  return undefined;
}
