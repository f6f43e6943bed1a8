// `pnpm loadtest <scenario>`, see `--help`. Exit codes: 0 the budgets hold, 99 one was missed, 2 wrong usage, 130 interrupted, 1 anything else.
import { join, relative } from "node:path";
import { isLarderError } from "@larder/schema";
import { type CommandLine, helpText, readCommandLine } from "./command-line.ts";
import { runBreakpoint } from "./commands/breakpoint.ts";
import type { CommandResult, CommandSettings } from "./commands/command.ts";
import { runGate } from "./commands/gate.ts";
import { runScenario } from "./commands/scenario.ts";
import { runStores } from "./commands/stores.ts";
import { machineText, thisMachine } from "./machine.ts";
import { writeReport } from "./report/write-report.ts";
import { WORLD } from "./settings.ts";

const REPORTS = join(import.meta.dirname, "..", "..", "..", "reports");
const MISSED = 99;
const INTERRUPTED = 130;

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // A second one ends this process at once; what it has started ends with it.
    if (interrupted.signal.aborted) process.exit(INTERRUPTED);
    interrupted.abort();
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (interrupted.signal.aborted) {
    console.error("loadtest: interrupted; all that was started has been stopped");
    process.exitCode = INTERRUPTED;
  } else if (isLarderError(error)) {
    console.error(`loadtest: ${error.code}: ${error.message}`);
    process.exitCode = error.code === "USAGE" || error.code === "CONFIG_INVALID" ? 2 : 1;
  } else {
    throw error;
  }
}

async function main(args: readonly string[]): Promise<number> {
  const line = readCommandLine(args);
  if (line === "help") {
    console.log(helpText());
    return args.length === 0 ? 2 : 0;
  }
  const { title, outcomes, pinned, text } = await run(line, {
    ...{ store: line.store, seconds: line.seconds, rate: line.rate, injectedMs: line.inject ? WORLD.injectedMs : 0 },
    ...{ say: (said: string) => console.log(`loadtest: ${said}`), signal: interrupted.signal },
  });
  const name = `loadtest-${line.name}`;
  const command = `pnpm loadtest ${args.join(" ")}`;
  const path = writeReport(
    { name, title, machine: `${machineText(thisMachine(""))}; ${placesOf(pinned)}`, command, outcomes },
    REPORTS,
  );
  if (text !== "") console.log(`\n${text}\n`);
  for (const { store, warnings } of outcomes)
    for (const warning of warnings) console.log(`WARNING ${store}: ${warning}`);
  const missed = outcomes.flatMap((outcome) => outcome.missed);
  for (const each of missed) console.log(each);
  if (missed.length === 0) console.log("All gates hold.");
  console.log(relative(process.cwd(), path));
  return missed.length === 0 ? 0 : MISSED;
}

function placesOf(pinned: boolean): string {
  return pinned ? "server on core 0, generator and store on core 1" : "not pinned to cores";
}

function run({ name }: CommandLine, settings: CommandSettings): Promise<CommandResult> {
  switch (name) {
    case "gate":
      return runGate(settings);
    case "stores":
      return runStores(settings);
    case "breakpoint":
      return runBreakpoint(settings);
    default:
      return runScenario(name, settings);
  }
}
