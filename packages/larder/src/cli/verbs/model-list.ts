import { defineVerb } from "../verb.ts";

/** `larder model list`: the versions that a server would load. */
export const modelListVerb = defineVerb<{ readonly tenant?: string }>({
  usage: "list",
  summary: "list the models' versions on disk, and what they were trained on",
  description: `Lists every version of every model that serve would load, with its file and what model add recorded of its training. It loads none: doctor does.`,
  examples: ["model list", "model list --json"],
  tenant: "unset",
  async run({ file, options, terminal }) {
    const { findTenant, loadDefinitions } = await import("@larder/schema");
    const { listModels } = await import("../../list-models.ts");
    const { renderTable } = await import("../render/table.ts");
    const definitions = await loadDefinitions(file, { env: terminal.env });
    if (options.tenant !== undefined) findTenant(definitions, options.tenant);
    const models = await listModels(definitions);
    const rows = models.map(({ model, version, file: onnx, trained_on: trained, problem }) => [
      model,
      version ?? "-",
      problem ?? onnx,
      trained === null ? "-" : trained.training_set_sha256.slice(0, 12),
      trained?.run_id ?? "-",
    ]);
    return {
      json: { models },
      text: rows.length === 0 ? "no models\n" : renderTable(["model", "version", "file", "training set", "run"], rows),
    };
  },
});
