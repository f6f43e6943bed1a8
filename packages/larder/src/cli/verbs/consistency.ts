import { defineVerb } from "../verb.ts";

/** `larder consistency --log DIR`: compares served vectors with the offline store. */
export const consistencyVerb = defineVerb<{ readonly log: string; readonly tenant?: string }>({
  usage: "consistency",
  summary: "recompute logged predictions' features from Parquet and report what differs",
  description: `Reads a log of served vectors (server.served_log; see served-log.md), recomputes every value from the sources of its view as of the time it was served,
with the online TTL, and counts per feature: match; late (what was known by then: a row that counts for that time was created afterwards); behind (the value of
an older row: the newer one was not online yet); mismatch, missing (only the log has a value), extra (only the sources have one); degraded and overridden, which are not
compared. Shows the largest errors and up to three rows for each feature. Changes nothing.

Exits 1 when there is a mismatch, a missing or an extra value.`,
  examples: ["consistency --log served-log", "consistency --log served-log --tenant acme --json"],
  tenant: "all",
  options: (command) => command.option("--log <folder>", "folder of the log (required)"),
  required: ["--log"],
  async run(context) {
    const { loadDefinitions } = await import("@larder/schema");
    const { checkConsistency } = await import("@larder/training-features");
    const { consistencyText } = await import("../render/consistency-report.ts");
    const { options, file, terminal, signal } = context;
    const definitions = await loadDefinitions(file, { env: terminal.env });
    const progress = context.progress("consistency");
    try {
      const report = await checkConsistency({
        definitions,
        folder: context.path(options.log),
        tenant: options.tenant,
        signal,
        onProgress: (at) => progress.update(at),
      });
      return { json: report, text: consistencyText(report), exitCode: report.consistent ? 0 : 1 };
    } finally {
      progress.stop();
    }
  },
});
