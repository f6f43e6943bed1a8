import { defineVerb } from "../verb.ts";

interface Options {
  readonly topic?: string;
  readonly partition: string;
  readonly offset: string;
  readonly payload?: boolean;
}

/** `larder dlq show`: one dead letter. */
export const dlqShowVerb = defineVerb<Options>({
  usage: "show",
  summary: "show one dead letter: why it was refused, where it came from, and on request what it says",
  description: `Shows the letter at an offset of a dead-letter topic, as \`larder dlq list\` names them. Key, value and headers of the record may hold
anything about anybody: they are shown with --payload alone, as text, or in base64 where they are none.`,
  examples: [
    "dlq show --partition 0 --offset 17",
    "dlq show --topic churn-features --partition 0 --offset 17 --payload --json",
  ],
  tenant: "unset",
  required: ["--partition", "--offset"],
  options: (command) =>
    command
      .option("--topic <name>", "the source topic, where there is more than one dead-letter topic")
      .option("--partition <number>", "partition of the dead-letter topic (required)")
      .option("--offset <number>", "offset in it (required)")
      .option("--payload", "also key, value and headers of the record"),
  async run({ file, options, signal, terminal }) {
    const { showLetter } = await import("@larder/materializer/stream");
    const { openDeadLetters } = await import("../../dead-letters.ts");
    const { letterFilter } = await import("../letter-options.ts");
    const { letterJson, letterText, recordJson } = await import("../render/letter-report.ts");
    const { topic, partition, offset, payload = false } = options;
    const filter = letterFilter({ partition, offset, ...(topic === undefined ? {} : { topic }) });
    await using opened = await openDeadLetters(file, terminal.env);
    const letter = await showLetter(opened, { filter, signal });
    return {
      json: { ...letterJson(letter), ...(payload ? recordJson(letter) : {}) },
      text: letterText(letter, payload),
    };
  },
});
