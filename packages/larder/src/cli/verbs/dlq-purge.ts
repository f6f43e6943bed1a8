import type { LetterOptions } from "../letter-options.ts";
import { withLetterOptions } from "../letter-options.ts";
import { defineVerb } from "../verb.ts";

/** `larder dlq purge`: deletes dead letters. */
export const dlqPurgeVerb = defineVerb<LetterOptions & { readonly yes?: boolean; readonly dryRun?: boolean }>({
  usage: "purge",
  summary: "delete dead letters, from the oldest on, for good",
  description: `Kafka can delete the beginning of a partition and nothing else. So in each partition letters go from the oldest on, as long as the filters mean
them; the first that they do not mean ends it, and it is said how many behind it are meant and stay. --until is the filter that fits this best.

It needs the right to delete records. Without --yes it changes nothing, says what would go, and exits 2; --dry-run says the same and exits 0.`,
  examples: ["dlq purge --until 2026-01-01T00:00:00Z --dry-run", "dlq purge --topic churn-features --yes --json"],
  tenant: "all",
  options: (command) =>
    withLetterOptions(command).option("--yes", "really delete them").option("--dry-run", "say what would go"),
  async run({ file, options, signal, terminal, progress: start }) {
    const { LarderError } = await import("@larder/schema");
    const { purgeLetters } = await import("@larder/materializer/stream");
    const { openDeadLetters } = await import("../../dead-letters.ts");
    const { letterFilter } = await import("../letter-options.ts");
    const { purgeJson, purgeText } = await import("../render/letter-report.ts");
    const filter = letterFilter(options);
    const { yes = false, dryRun = false } = options;
    await using opened = await openDeadLetters(file, terminal.env);
    const progress = start("dlq purge");
    try {
      const request = { filter, signal, dryRun: dryRun || !yes, onProgress: progress.update };
      const report = await purgeLetters(opened, request);
      if (yes || dryRun) return { json: purgeJson(report), text: purgeText(report) };
      throw new LarderError("CONFIRMATION_REQUIRED", {
        what: `This would delete ${report.deleted} dead letters; nothing was changed`,
        remedy: "Run it again with --yes to delete them, or with --dry-run to see where they are",
        facts: { letters: report.deleted, kept: report.kept },
      });
    } finally {
      progress.stop();
    }
  },
});
