import { defineVerb } from "../verb.ts";

/** `larder budgets`: gates beside latency. */
export const budgetsVerb = defineVerb<{ readonly tenant?: string }>({
  usage: "budgets",
  summary: "measure memory, cost, start and size against the budgets of the yaml, and exit 99 where one is missed",
  description: `Measures what budgets of the yaml state beside latency, and only that: memory.bytes_per_entity of the rows that are in Redis, as redis explain weighs them;
cost.monthly_usd of the nodes and servers that larder capacity works out, at the prices that the yaml states; start.ready_ms of a larder serve that it starts on
loopback, the median of three; image.max_bytes of larder and the packages it runs with, as they are installed.

Writes nothing. Latency is gated by load tests.`,
  examples: ["budgets", "budgets --tenant acme --json"],
  tenant: "all",
  async run({ file, options, signal, terminal }) {
    const { findTenant, loadDefinitions, systemClock } = await import("@larder/schema");
    const { renderTable } = await import("../render/table.ts");
    const { judgeBudgets } = await import("../../budgets/judge-budgets.ts");
    const definitions = await loadDefinitions(file, { env: terminal.env });
    const { tenant } = options;
    if (tenant !== undefined) findTenant(definitions, tenant);
    const judged = await judgeBudgets({ definitions, clock: systemClock, tenant, env: terminal.env, signal });
    const missed = judged.filter(({ met }) => !met);
    const table = renderTable(
      ["budget", "measured", "limit", "made up of"],
      judged.map(({ budget, measured, limit, detail }) => [budget, measured, limit, detail]),
    );
    const lines = missed.map(({ budget, measured, limit }) => `MISSED ${budget}: ${measured} > ${limit}\n`);
    return {
      json: { met: missed.length === 0, budgets: judged },
      text: `${table}${lines.join("")}`,
      exitCode: missed.length === 0 ? 0 : 99,
    };
  },
});
