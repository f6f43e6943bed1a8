import { RATE_HELP } from "../rate-option.ts";
import type { MaterializeOptions } from "../run-materialize.ts";
import { collect, defineVerb } from "../verb.ts";

/** `larder materialize START END`: the latest rows of a Parquet window into the online store. */
export const materializeVerb = defineVerb<MaterializeOptions>({
  usage: "materialize <START> <END>",
  summary: "load the latest rows of a time window from Parquet into the online store",
  description: `Reads, per feature view, each entity's latest row with an event time from START to END (ISO 8601, inclusive at both ends; without
a zone it is UTC; a date alone is its midnight) and writes it if it is newer than what is stored. Repeating a run is safe.

A run that is stopped or killed continues where it was when the same command is run again. Rows that cannot be used (dated ahead of the
clock, a join key over 1 KiB) are counted as refused and the first ones listed; the others are written, and the exit code is 1. A column or value of another
type than declared stops the run before anything of that view is written.`,
  examples: [
    "materialize 2024-01-01 2024-02-01",
    "materialize 2024-01-01T00:00:00Z 2024-02-01T00:00:00Z --view churn_features --json",
    "materialize 2020-01-01 2024-01-01 --max-rows-per-second 5000",
  ],
  options: (command) =>
    command
      .option("--view <name>", "only this view; may be repeated", collect)
      .option("--max-rows-per-second <number>", RATE_HELP),
  async run(context) {
    const { openStore } = await import("../open-store.ts");
    const { warnOfDifference } = await import("../warn-of-difference.ts");
    const { runMaterialize } = await import("../run-materialize.ts");
    const { timeArgument } = await import("../time-argument.ts");
    const [start = "", end = ""] = context.args;
    const window = { start: timeArgument("START", start), end: timeArgument("END", end) };
    await using opened = await openStore(context);
    await warnOfDifference(opened, context);
    const { materialize } = await import("@larder/materializer");
    return await runMaterialize(context, (request) => materialize(opened, { ...request, ...window }));
  },
});
