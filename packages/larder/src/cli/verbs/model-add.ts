import { defineVerb } from "../verb.ts";

/** `larder model add`: what a model was trained on, written beside it. */
export const modelAddVerb = defineVerb<{ readonly manifest: string; readonly runId?: string }>({
  usage: "add <MODEL>",
  summary: "record beside a model what it was trained on",
  description: `Writes MODEL.larder.json beside an ONNX file (or into an MLflow folder, or a version's folder, beside the ONNX file there): the hash of the model, and from
the manifest that training-set wrote the hash of the training set, that of the definitions, and what each feature meant in them.

A server refuses to load the model where the features it takes mean something else by then (MODEL_TRAINED_ON_OTHER_DEFINITIONS): another type, other join keys, another
TTL of joins, other columns of the source. A model that is replaced needs its record written again.`,
  examples: [
    "model add models/churn.onnx --manifest train.manifest.json",
    "model add models/churn/2 --manifest train.manifest.json --run-id 2024-03-15-a --json",
  ],
  standalone: true,
  required: ["--manifest"],
  options: (command) =>
    command
      .option("--manifest <file>", "the training set's manifest, train.manifest.json for train.parquet (required)")
      .option("--run-id <id>", "the training run (default: the one that an MLflow folder names)"),
  async run({ path, args: [model = ""], options, signal }) {
    const { recordModel } = await import("../../record-model.ts");
    const { file, record, content } = await recordModel({
      model: path(model),
      manifest: path(options.manifest),
      runId: options.runId,
      signal,
    });
    const { features: _features, format: _format, ...hashes } = content;
    const lines = Object.entries(hashes).map(([name, value]) => `  ${name}: ${value ?? "none"}\n`);
    return { json: { file, record, ...hashes }, text: `recorded ${record}\n${lines.join("")}` };
  },
});
