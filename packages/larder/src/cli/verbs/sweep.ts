import { defineVerb } from "../verb.ts";

/** `larder sweep`: removes rows that are past their life. */
export const sweepVerb = defineVerb<{
  readonly tenant?: string;
  readonly view?: string;
  readonly for: string;
  readonly share: string;
}>({
  usage: "sweep",
  summary: "remove rows past their TTL that the online store still keeps",
  description: `Removes rows that no read returns any more: past event time + online_ttl + keep_stale, and deletions whose retention is over. Redis
drops an entity when the last of its views ends; until then the dead rows of the others stay, and this frees their memory. A row that is written again
meanwhile stays.

Made for cron: it rests between its steps, ends after --for, and the next run goes on where this one stopped; a killed one may simply be repeated.
Definitions that are not the applied ones are refused.`,
  examples: ["sweep", "sweep --tenant acme --view churn_features --for 30s --share 50 --json"],
  tenant: "all",
  options: (command) =>
    command
      .option("--view <name>", "only this feature view")
      .option("--for <duration>", "how long at most", "10m")
      .option("--share <percent>", "how much of that time to work, the rest is rest", "20"),
  async run({ file, options, signal, terminal }) {
    const { loadDefinitions, systemClock } = await import("@larder/schema");
    const { sweepOnlineStore } = await import("@larder/store-core");
    const { durationOption } = await import("../duration-option.ts");
    const { tenant, view } = options;
    const until = performance.now() + durationOption("--for", options.for) / 1000;
    const share = Number(options.share) / 100;
    const definitions = await loadDefinitions(file, { env: terminal.env });
    const report = await sweepOnlineStore(definitions, { clock: systemClock }, { tenant, view, until, share, signal });
    const { scanned, removed, bytes, complete } = report;
    const end = complete ? "" : "; the next run goes on from here";
    return { json: report, text: `removed ${removed} of ${scanned} rows, ${bytes} bytes${end}\n` };
  },
});
