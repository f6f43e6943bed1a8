import { parseArgs } from "node:util";
import { LarderError } from "@larder/schema";
import { SCENARIOS } from "./scenarios.ts";
import { GATE, SCENARIO, STORES, WORLD } from "./settings.ts";
import { TESTED_STORES } from "./world/online-stores.ts";

/** What can be asked for. */
export type LoadTestName = keyof typeof SCENARIOS | "breakpoint" | "gate" | "stores";

/** A command line, read. */
export interface CommandLine {
  readonly name: LoadTestName;
  readonly store: string | undefined;
  readonly seconds: number | undefined;
  readonly rate: number | undefined;
  readonly inject: boolean;
}

/** Reads a command line; "help" where that is asked for. @throws LarderError USAGE */
export function readCommandLine(args: readonly string[]): CommandLine | "help" {
  const { values, positionals } = parsed(args);
  if (values.help === true || positionals.length === 0) return "help";
  const [name = "", ...others] = positionals;
  if (others.length > 0) throw usage(`"${others.join(" ")}" is too much`, "Give one scenario");
  if (!isName(name)) throw usage(`"${name}" is no load test`, `Use one of ${names().join(", ")}`);
  if (values.inject !== undefined && values.inject !== "latency") {
    throw usage(`--inject ${values.inject} is unknown`, "Use --inject latency");
  }
  return {
    ...{ name, store: values.store, inject: values.inject !== undefined },
    seconds: values.duration === undefined ? undefined : secondsIn(values.duration),
    rate: values.rate === undefined ? undefined : rateIn(values.rate),
  };
}

/** What `--help` prints. */
export function helpText(): string {
  const width = Math.max(...names().map((name) => name.length));
  const lines = Object.entries(SCENARIOS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `pnpm loadtest <scenario> [options]        (or: npm run loadtest -- <scenario> [options])

Starts what it needs (Redis, larder serve on the churn example), fills the store, warms up, sends requests with k6 at a fixed rate whether or not
earlier ones were answered, and judges what came by the budgets of examples/churn/feature_store.yaml. Exits 0 where all of them hold, 99 where one was
missed, 2 for a wrong command line. The report (HTML, Markdown, JSON) goes to reports/, its path is the last line. Nothing is left running.

  ${"gate".padEnd(width)}  what a release must pass: predictions and lookups of ${WORLD.tenants.length} tenants in ${GATE.rounds} rounds, whose median counts
  ${"stores".padEnd(width)}  the same on every store, in ${STORES.rounds} rounds each, as a table
${lines.join("\n")}
  ${"breakpoint".padEnd(width)}  predictions at a growing rate, until a budget is missed

  --store <name>     ${TESTED_STORES.map(({ name }) => name).join(", ")}; default redis, and for stores all of them
  --duration <time>  how long requests are sent: 30s, 5m; default ${SCENARIO.seconds}s, a round of the gate ${2 * GATE.seconds}s
  --rate <number>    requests per second; default ${SCENARIO.rate}
  --inject latency   every call of the store takes ${WORLD.injectedMs} ms longer: shows that the gate can fail
  --help             this text

Examples
  pnpm loadtest gate
  pnpm loadtest predict --store sqlite --duration 1m --rate 300
  pnpm loadtest outage
  pnpm loadtest gate --inject latency      # exits 99

k6 is needed once: node scripts/servers/install.mjs k6
`;
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        store: { type: "string" },
        duration: { type: "string" },
        rate: { type: "string" },
        inject: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error), "pnpm loadtest --help lists the options");
  }
}

function names(): string[] {
  return ["gate", "stores", ...Object.keys(SCENARIOS), "breakpoint"];
}

function isName(name: string): name is LoadTestName {
  return names().includes(name);
}

function rateIn(text: string): number {
  const rate = Number(text);
  if (Number.isInteger(rate) && rate >= 1 && rate <= 100_000) return rate;
  throw usage(`--rate ${text} is no whole number from 1 to 100000`, "Give requests per second, as in --rate 300");
}

function secondsIn(text: string): number {
  const found = /^(\d+)(s|m|h)$/.exec(text);
  const seconds = Number(found?.[1]) * { s: 1, m: 60, h: 3600 }[found?.[2] as "s" | "m" | "h"];
  if (found !== null && seconds >= 1) return seconds;
  throw usage(`--duration ${text} is no time of at least a second`, "Write it as 30s, 5m or 1h");
}

function usage(what: string, remedy: string): LarderError {
  return new LarderError("USAGE", { what, remedy });
}
