import type { LetterOptions } from "../letter-options.ts";
import { withLetterOptions } from "../letter-options.ts";
import { defineVerb } from "../verb.ts";

/** `larder dlq list`: counts of dead letters. */
export const dlqListVerb = defineVerb<LetterOptions & { readonly limit: string }>({
  usage: "list",
  summary: "count dead letters by topic, reason and view, and list the first of them",
  description: `Reads the dead-letter topics of the views' topics from their oldest record to where they end now, and changes nothing. What the records say is
not shown, only why they were refused, and where they are: \`larder dlq show\` shows one.

A letter whose reason is not a view's, one that cannot be read at all for example, counts for every view of its topic with --view. With --tenant: whose row was
refused, or whose rows the record brings by the present definitions.`,
  examples: ["dlq list", "dlq list --view churn_features --code RECORD_INVALID --since 2026-01-01T00:00:00Z --json"],
  tenant: "all",
  options: (command) => withLetterOptions(command).option("--limit <count>", "list so many letters themselves", "10"),
  async run({ file, options, signal, terminal, progress: start }) {
    const { listLetters } = await import("@larder/materializer/stream");
    const { openDeadLetters } = await import("../../dead-letters.ts");
    const { letterFilter, wholeOption } = await import("../letter-options.ts");
    const { listJson, listText } = await import("../render/letter-report.ts");
    const filter = letterFilter(options);
    const limit = Number(wholeOption("--limit", options.limit));
    await using opened = await openDeadLetters(file, terminal.env);
    const progress = start("dlq list");
    try {
      const list = await listLetters(opened, { filter, signal, onProgress: (at) => progress.update(at) }, limit);
      return { json: listJson(list), text: listText(list) };
    } finally {
      progress.stop();
    }
  },
});
