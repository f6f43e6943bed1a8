import type { LetterOptions } from "../letter-options.ts";
import { withLetterOptions } from "../letter-options.ts";
import { defineVerb } from "../verb.ts";

type Options = LetterOptions & { readonly limit?: string; readonly rate: string; readonly dryRun?: boolean };

/** `larder dlq replay`: dead letters back to where they came from. */
export const dlqReplayVerb = defineVerb<Options>({
  usage: "replay",
  summary: "send dead letters back to their topics, once the cause is mended",
  description: `Sends each letter to the partition that it came from, with its own key, value, headers and time, where \`larder sync\` meets it again: what is
accepted is a row like any other, newer rows win over it, and erased entities stay erased. What is refused again comes back as a new letter whose attempt is one
higher; it raises no alarm.

What was sent is remembered under the filters: the same command goes on where the last one ended, or was killed (then the last 100 may be sent twice, which
changes nothing). With other filters it begins at the oldest letter. Letters stay where they are until they are purged.

--dry-run sends and remembers nothing: it counts, and tells how many of them the present definitions would still refuse.`,
  examples: ["dlq replay --dry-run", "dlq replay --code UNKNOWN_TENANT --tenant acme --rate 200/s --json"],
  tenant: "all",
  options: (command) =>
    withLetterOptions(command)
      .option("--limit <count>", "send at most so many")
      .option("--rate <count/s>", "send at most so many in a second", "1000/s")
      .option("--dry-run", "send nothing, say what would be sent"),
  async run({ file, options, signal, terminal, progress: start }) {
    const { replayLetters } = await import("@larder/materializer/stream");
    const { openDeadLetters } = await import("../../dead-letters.ts");
    const { letterFilter, rateOption, wholeOption } = await import("../letter-options.ts");
    const { replayJson, replayText } = await import("../render/letter-report.ts");
    const filter = letterFilter(options);
    const limit = options.limit === undefined ? undefined : Number(wholeOption("--limit", options.limit, 1n));
    const perSecond = rateOption("--rate", options.rate);
    await using opened = await openDeadLetters(file, terminal.env);
    const { sink } = opened;
    const progress = start("dlq replay");
    try {
      const onProgress = (at: { readonly done: number; readonly total: number | undefined }) => progress.update(at);
      const dryRun = options.dryRun === true;
      const report = await replayLetters(opened, { filter, sink, limit, perSecond, dryRun, signal, onProgress });
      return { json: replayJson(report), text: replayText(report) };
    } finally {
      progress.stop();
    }
  },
});
