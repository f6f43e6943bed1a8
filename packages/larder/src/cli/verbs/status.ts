import { defineVerb } from "../verb.ts";

/** `larder status`: how full and how fresh the online store is. */
export const statusVerb = defineVerb<{ readonly tenant?: string; readonly view?: string }>({
  usage: "status",
  summary: "show per view and tenant how far it is materialized, how many rows it has and how fresh they are",
  description: `Looks at no more than 10,000 rows, and no longer than 5 s, for each view of each tenant; where there are more, counts are "at least"
(complete: false), and the oldest and newest event time are those of the rows it looked at. freshness compares the newest event time with the view's
freshness objective. Where tenants have a max_bytes: what each takes of it, as measured last. Changes nothing.`,
  examples: ["status", "status --tenant acme --view churn_features --json"],
  tenant: "all",
  options: (command) => command.option("--view <name>", "only this feature view"),
  async run(context) {
    const { openStore } = await import("../open-store.ts");
    const { statusJson, statusText } = await import("../render/status-report.ts");
    const { usageJson, usageText } = await import("../render/usage-report.ts");
    const { tenantUsages } = await import("../../tenant-usages.ts");
    const { viewStatuses } = await import("../../view-status.ts");
    await using opened = await openStore(context);
    const { tenant, view } = context.options;
    const statuses = await viewStatuses(opened, { tenant, view, signal: context.signal });
    const usages = await tenantUsages(opened, { tenant, signal: context.signal });
    return {
      json: { project: opened.definitions.project, views: statusJson(statuses), usage: usageJson(usages) },
      text: statusText(statuses) + usageText(usages),
    };
  },
});
