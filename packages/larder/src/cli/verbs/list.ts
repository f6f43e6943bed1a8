import { defineVerb } from "../verb.ts";

/** `larder list`: what the file defines. */
export const listVerb = defineVerb<{ readonly tenant?: string }>({
  usage: "list",
  summary: "list entities, feature views, features, services, models and tenants",
  description:
    "Lists everything that feature_store.yaml defines, with what it is made of, in the file's order. Touches no store.",
  examples: ["list", "list --json"],
  tenant: "unset",
  async run({ file, options, terminal }) {
    const { findTenant, loadDefinitions } = await import("@larder/schema");
    const { renderTable } = await import("../render/table.ts");
    const { listDefinitions } = await import("../../list-definitions.ts");
    const definitions = await loadDefinitions(file, { env: terminal.env });
    if (options.tenant !== undefined) findTenant(definitions, options.tenant);
    const listed = listDefinitions(definitions);
    return {
      json: { project: definitions.project, definitions: listed },
      text: renderTable(
        ["kind", "name", "detail", "description"],
        listed.map(({ kind, name, detail, description }) => [kind, name, detail, description]),
      ),
    };
  },
});
