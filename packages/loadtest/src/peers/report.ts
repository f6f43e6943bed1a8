import { machineText } from "../machine.ts";
import { isHeld, percentile, type Sample } from "./measure.ts";
import type { Outage } from "./outage.ts";
import { LIMIT_MS, OUTAGE_RATE, ROWS, type Settings } from "./settings.ts";
import type { Setup } from "./setup.ts";
import type { Figures, JobFigures } from "./side-by-side.ts";

/** Above this share of its core the generator is what is measured. */
const GENERATOR_BUSY = 0.85;

/** Everything, in Markdown. */
export function tablesOf(figures: Figures, setup: Setup, settings: Settings): string {
  const versions = Object.entries(setup.versions).map(([name, version]) => `${name} ${version}`);
  const warnings = [
    ...(settings.quick ? ["**A quick run, which only shows that all of it works: its figures mean nothing.**"] : []),
    ...(figures.whole ? [] : ["**The time was over before all was measured.**"]),
  ];
  return [
    ...warnings,
    `${machineText(setup.machine)}; ${versions.join(", ")}. Fingerprint ${setup.fingerprint}.`,
    `**Highest rate held**, requests/s: p99 from when a request was due under ${LIMIT_MS} ms, unsent ones counted as late, and no answer but 200. ${note(figures)}`,
    highestTable(figures.jobs),
    "**At fixed rates**, p50 / p99 in ms, all rounds together; `-`: not asked, since far above what was held.",
    ...(["lookup", "predict"] as const).map((work) => fixedTable(figures.jobs, work)),
    "**CPU per request** in microseconds at the highest rate held: server + Redis (generator).",
    cpuTable(figures.jobs),
    "**Memory** (PSS of all processes, after the work) and **cold start** (median; from the start of the program to its first good answer).",
    serverTable(figures),
    `**Redis away**, at ${OUTAGE_RATE} requests/s of one row. \`in time\`: had an answer, of whatever kind, within a second and before Redis was back.`,
    outageTable(figures.outages),
  ].join("\n\n");
}

/** What the README shows: requests of one row, and what happens in an outage. */
export function essenceOf({ jobs, servers, outages }: Figures, settings: Settings): string {
  const rate = settings.fixed.rates[1].at(-1);
  const lines = [...Map.groupBy(jobs, ({ server }) => server)].map(([name, own]) => {
    const of = (work: JobFigures["work"]) => own.find((job) => job.work === work && job.rows === 1);
    const [lookup, predict] = [of("lookup"), of("predict")];
    const server = servers.find((each) => each.server === name);
    const hung = outages.find(({ server: other, kind }) => other === name && kind === "hung");
    return [
      name,
      lookup === undefined ? "" : highest(lookup),
      predict === undefined ? "" : highest(predict),
      predict === undefined ? "" : at(predict, rate),
      whole(server?.memory),
      seconds(server?.coldStartMs),
      hung === undefined ? "" : share(hung),
    ];
  });
  const ours = outages.filter(({ server, kind }) => kind === "hung" && server.startsWith("Larder"));
  return table(
    [
      "1 row",
      "lookups/s held",
      "predictions/s held",
      `predict, p50 / p99 ms at ${rate}/s`,
      "MiB",
      "cold start s",
      "Redis hung: answered in time",
    ],
    [...lines, ...ours.map((hung) => [hung.server, "", "", "", "", "", share(hung)])],
  );
}

function highestTable(jobs: readonly JobFigures[]): string {
  return table(["server", ...columns("lookup"), ...columns("predict")], byServer(jobs, highest));
}

function fixedTable(jobs: readonly JobFigures[], work: JobFigures["work"]): string {
  const ofWork = jobs.filter((job) => job.work === work);
  const rates = ROWS.flatMap((rows) =>
    [...new Set(ofWork.filter((job) => job.rows === rows).flatMap(({ fixed }) => fixed.map(({ rate }) => rate)))]
      .toSorted((a, b) => a - b)
      .map((rate) => ({ rows, rate })),
  );
  const lines = [...Map.groupBy(ofWork, ({ server }) => server)].map(([server, own]) => [
    server,
    ...rates.map(({ rows, rate }) =>
      at(
        own.find((job) => job.rows === rows),
        rate,
      ),
    ),
  ]);
  return table([work, ...rates.map(({ rows, rate }) => `${many(rows)}, ${rate}/s`)], lines);
}

function cpuTable(jobs: readonly JobFigures[]): string {
  return table(["server", ...columns("lookup"), ...columns("predict")], byServer(jobs, cpuCell));
}

function serverTable({ servers }: Figures): string {
  const lines = servers.map(({ server, memory, coldStartMs }) => [server, whole(memory), seconds(coldStartMs)]);
  return table(["server", "MiB", "cold start s"], lines);
}

function outageTable(outages: readonly Outage[]): string {
  const lines = outages.map((outage) => [
    `${outage.server}: ${outage.kind}`,
    share(outage),
    Object.entries(outage.answers)
      .map(([answer, count]) => `${count} x ${answer}`)
      .join(", "),
    `${whole(outage.p50)} / ${whole(outage.slowest)}`,
    outage.backMs === undefined ? "not seen" : whole(outage.backMs),
  ]);
  return table(["server: Redis", "in time", "answers in the end", "p50 / slowest ms", "well again after ms"], lines);
}

/** A line per server with a cell per work and rows; empty where it does not do that work. */
function byServer(jobs: readonly JobFigures[], cell: (job: JobFigures) => string): readonly (readonly string[])[] {
  return [...Map.groupBy(jobs, ({ server }) => server)].map(([server, own]) => [
    server,
    ...(["lookup", "predict"] as const).flatMap((work) =>
      ROWS.map((rows) => {
        const job = own.find((each) => each.work === work && each.rows === rows);
        return job === undefined ? "" : cell(job);
      }),
    ),
  ]);
}

function highest({ highest: { held, missed, whole }, tries }: JobFigures): string {
  const busy = tries.some((each) => each.rate === missed && generatorShare(each) > GENERATOR_BUSY);
  const mark = `${busy ? " (generator)" : ""}${whole ? "" : " (cut)"}`;
  if (held === 0) return missed === undefined ? `not tried${mark}` : `under ${missed}${mark}`;
  return `${missed === undefined ? "at least " : ""}${held}${mark}`;
}

function at(job: JobFigures | undefined, rate: number | undefined): string {
  const rounds = job?.fixed.filter((sample) => sample.rate === rate) ?? [];
  if (rounds.length === 0) return "-";
  const broken = rounds.find(({ error }) => error !== undefined);
  if (broken !== undefined) return "broke";
  const failures = sum(rounds, ({ failures }) => failures);
  const answered = sum(rounds, ({ times }) => times.length) / sum(rounds, ({ due }) => due);
  const times = rounds.flatMap((sample) => sample.times).toSorted((a, b) => a - b);
  const marks = [
    failures > 0 ? `${failures} failed` : "",
    answered < 0.97 ? `${Math.round(100 * answered)} % answered` : "",
  ];
  const mark = marks.filter((text) => text !== "").join(", ");
  return `${short(percentile(times, 0.5))} / ${short(percentile(times, 0.99))}${mark === "" ? "" : ` (${mark})`}`;
}

function cpuCell({ tries, highest }: JobFigures): string {
  // A server that replaced a worker meanwhile, whose CPU is then in no count any more, tells nothing.
  const rounds = heldOf({ tries, highest }).filter(({ cpu }) => cpu.server > 0);
  const answers = sum(rounds, ({ times }) => times.length);
  if (answers === 0) return "-";
  const each = (part: keyof Sample["cpu"]) => whole(sum(rounds, ({ cpu }) => cpu[part]) / answers);
  return `${each("server")} + ${each("redis")} (${each("load")})`;
}

/** What can be said of the generator in all of it. */
function note({ jobs }: Figures): string {
  const held = jobs.flatMap(heldOf);
  if (held.length === 0) return "";
  const late = Math.max(...held.map(({ lateP99 }) => lateP99));
  const busy = Math.max(...held.map(generatorShare));
  return `At the rates held the generator sent p99 ${short(late)} ms late at most and took up to ${Math.round(100 * busy)} % of its core. \`(generator)\`: above the rate shown it, or Redis beside it, had no time left.`;
}

/** The tries in which the highest rate was held. */
function heldOf({ tries, highest }: Pick<JobFigures, "tries" | "highest">): readonly Sample[] {
  return tries.filter((sample) => sample.rate === highest.held && isHeld(sample));
}

function generatorShare({ cpu, seconds }: Sample): number {
  return (cpu.load + cpu.redis) / 1e6 / seconds;
}

function share({ withinSecond, whileAway, sent }: Outage): string {
  return `${Math.min(withinSecond, whileAway)} of ${sent}`;
}

function columns(work: string): readonly string[] {
  return ROWS.map((rows) => `${work}, ${many(rows)}`);
}

function many(rows: number): string {
  return rows === 1 ? "1 row" : `${rows} rows`;
}

function seconds(times: readonly number[] = []): string {
  return times.length === 0
    ? ""
    : short(
        percentile(
          times.toSorted((a, b) => a - b),
          0.5,
        ) / 1000,
      );
}

function whole(value: number | undefined): string {
  return value === undefined ? "" : String(Math.round(value));
}

function short(value: number): string {
  return Number.isNaN(value) ? "-" : value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)));
}

function sum<T>(all: readonly T[], of: (each: T) => number): number {
  return all.reduce((total, each) => total + of(each), 0);
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const rule = head.map((_, column) => (column === 0 ? "---" : "---:"));
  return [head, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
