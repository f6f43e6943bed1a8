import { defineVerb } from "../verb.ts";

/** `larder training-set diff`: in what two training sets differ. */
export const trainingSetDiffVerb = defineVerb({
  usage: "diff <A> <B>",
  summary: "compare two training sets: definitions, inputs, features and rows",
  description: `Compares two training sets, each named by its output or its manifest, from A to B: hashes of the definitions, settings, inputs that have
other bytes, features that mean something else, columns, and, where both outputs are on this machine, every row. Rows are paired by join keys and time,
repeated ones in their order. For each column it shows how many pairs differ, the first of them, the share of nulls on both sides, and how far numbers are apart.

Needs no definitions and changes nothing. Exits 1 when anything differs. Rows that are equal may be in files whose bytes are not: another format, or another
version of the engine.`,
  examples: [
    "training-set diff train.parquet train-new.parquet",
    "training-set diff train.manifest.json train-new.manifest.json --json",
  ],
  standalone: true,
  async run(context) {
    const { diffTrainingSets } = await import("@larder/training-features");
    const { diffText } = await import("../render/training-set-diff-report.ts");
    const [a = "", b = ""] = context.args;
    const diff = await diffTrainingSets({ a: context.path(a), b: context.path(b), signal: context.signal });
    return { json: diff, text: diffText(diff, context.terminal.paint), exitCode: diff.equal ? 0 : 1 };
  },
});
