import { defineVerb } from "../verb.ts";

/** `larder validate`: reads the definitions and says what is in them, or everything that is wrong with them. */
export const validateVerb = defineVerb<{ readonly tenant?: string }>({
  usage: "validate",
  summary: "check feature_store.yaml and say what it defines",
  description: `Checks the definitions without touching a store. All problems are listed at once, each with file:line:col and a remedy.
Exits 2 when there are any.`,
  examples: ["validate", "validate -f examples/churn/feature_store.yaml --json"],
  tenant: "unset",
  async run({ file, options, terminal }) {
    const { findTenant, loadDefinitions } = await import("@larder/schema");
    const definitions = await loadDefinitions(file, { env: terminal.env });
    if (options.tenant !== undefined) findTenant(definitions, options.tenant);
    const counts = {
      entities: [...definitions.entities.keys()],
      feature_views: [...definitions.views.keys()],
      feature_services: [...definitions.services.keys()],
      models: [...definitions.models.keys()],
      tenants: [...definitions.tenants.keys()],
    };
    const lines = Object.entries(counts).map(([key, names]) => `  ${key}: ${names.join(", ") || "none"}\n`);
    const notices = definitions.notices.map(({ place, field, what }) => `  notice ${place}: ${field}: ${what}\n`);
    return {
      json: {
        valid: true,
        file,
        project: definitions.project,
        hash: definitions.hash,
        online_store: definitions.onlineStore.type,
        ...counts,
        notices: definitions.notices,
      },
      text: `${terminal.paint.green("valid")}: project ${definitions.project}, online store ${definitions.onlineStore.type}\n${lines.join("")}${notices.join("")}`,
    };
  },
});
