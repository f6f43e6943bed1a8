import { defineVerb } from "../verb.ts";

/** `larder plan`: how the definitions differ from the applied ones. */
export const planVerb = defineVerb({
  usage: "plan",
  summary: "show how the definitions differ from those that were applied last",
  description: `Compares feature_store.yaml with the definitions that the online store keeps since the last apply, and changes nothing. Each change is
safe (old and new processes work side by side), rematerialize (answers have holes until the view is materialized again) or breaking (somebody who
relied on the old definitions gets other answers or none). Exits 0 whatever the changes are.`,
  examples: ["plan", "plan -f examples/churn/feature_store.yaml --json"],
  async run(context) {
    const { openStore } = await import("../open-store.ts");
    const { planJson, planText } = await import("../render/plan-report.ts");
    const { planDefinitions } = await import("@larder/store-core");
    await using opened = await openStore(context);
    const { tenant } = context.options;
    const plan = await planDefinitions(opened, { tenant, signal: context.signal });
    return { json: planJson(plan), text: planText(plan, context.terminal.paint) };
  },
});
