import { defineVerb } from "../verb.ts";

/** `larder apply`: records the definitions as the applied ones. */
export const applyVerb = defineVerb<{ readonly yes?: boolean }>({
  usage: "apply",
  summary: "record the definitions as the applied ones",
  description: `Keeps feature_store.yaml in the online store as what is applied, with the time. Rows are not touched; processes that run are not told: they
compare their own definitions when they start.

Breaking changes are refused with exit code 2, and listed, unless --yes confirms them. Of two that apply at the same time one wins, the other ends with
STORE_CONFLICT.`,
  examples: ["apply", "apply --yes --json"],
  options: (command) => command.option("--yes", "apply breaking changes too"),
  async run(context) {
    const { openStore } = await import("../open-store.ts");
    const { planJson, planText } = await import("../render/plan-report.ts");
    const { applyDefinitions } = await import("@larder/store-core");
    const { tenant, yes: confirmed = false } = context.options;
    await using opened = await openStore(context);
    const plan = await applyDefinitions(opened, { confirmed }, { tenant, signal: context.signal });
    return {
      json: planJson(plan),
      text: `${plan.applied === undefined ? "" : planText(plan, context.terminal.paint)}${context.terminal.paint.green("applied")} ${plan.hash.slice(0, 12)}\n`,
    };
  },
});
