import { RATE_HELP } from "../rate-option.ts";
import type { MaterializeOptions } from "../run-materialize.ts";
import { collect, defineVerb } from "../verb.ts";

/** `larder materialize-incremental END`: what came since the last run, from Parquet into the online store. */
export const materializeIncrementalVerb = defineVerb<MaterializeOptions & { readonly lookback?: string }>({
  usage: "materialize-incremental <END>",
  summary: "load what came since the last run from Parquet into the online store",
  description: `Reads, per feature view, the rows of an event time after the last run's END up to this END (ISO 8601, inclusive; without a zone it
is UTC; a time ahead of now means now), and late rows: those of an earlier event time whose created time is after the last one seen, less the lookback. Late
rows are found only in a source with a created time. Repeating a run is safe.

The online store keeps how far each view is, per tenant. A view without such a position is read from its TTL before now, or from the beginning where it has
none. Refused rows and the exit code are as for materialize.`,
  examples: [
    "materialize-incremental 2024-02-01",
    "materialize-incremental 2024-02-01T00:00:00Z --view churn_features --lookback 6h --json",
  ],
  options: (command) =>
    command
      .option("--view <name>", "only this view; may be repeated", collect)
      .option("--lookback <duration>", "how long a row may take from its created time into the files (default: 1h)")
      .option("--max-rows-per-second <number>", RATE_HELP),
  async run(context) {
    const { openStore } = await import("../open-store.ts");
    const { durationOption } = await import("../duration-option.ts");
    const { runMaterialize } = await import("../run-materialize.ts");
    const { timeArgument } = await import("../time-argument.ts");
    const { warnOfDifference } = await import("../warn-of-difference.ts");
    const end = timeArgument("END", context.args[0] ?? "");
    const { lookback } = context.options;
    const micros = lookback === undefined ? undefined : durationOption("--lookback", lookback);
    await using opened = await openStore(context);
    await warnOfDifference(opened, context);
    const { materializeIncremental } = await import("@larder/materializer");
    return await runMaterialize(context, (request) =>
      materializeIncremental(opened, { ...request, end, ...(micros === undefined ? {} : { lookback: micros }) }),
    );
  },
});
