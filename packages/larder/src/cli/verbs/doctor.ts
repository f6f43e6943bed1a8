import { defineVerb } from "../verb.ts";

/** `larder doctor`: what is missing or misconfigured. */
export const doctorVerb = defineVerb<{ readonly tenant?: string }>({
  usage: "doctor",
  summary: "look for what is missing or misconfigured, with remedies",
  description: `Checks what feature_store.yaml needs: that the online store answers and its settings fit, that the applied definitions are these, that
views are as fresh as they say, that DuckDB and every source's files are there, that every model loads. Exits 1 when something does not work; warnings alone exit 0.`,
  examples: ["doctor", "doctor --json"],
  tenant: "unset",
  async run({ file, options, terminal }) {
    const { findTenant, loadDefinitions, systemClock } = await import("@larder/schema");
    const { renderTable } = await import("../render/table.ts");
    const { examine } = await import("../../doctor.ts");
    const definitions = await loadDefinitions(file, { env: terminal.env });
    if (options.tenant !== undefined) findTenant(definitions, options.tenant);
    const findings = await examine(definitions, { clock: systemClock });
    const healthy = findings.every(({ state }) => state !== "problem");
    return {
      json: { healthy, findings },
      text: renderTable(
        ["state", "check", "what", "remedy"],
        findings.map(({ state, check, what, remedy }) => [state, check, what, remedy]),
      ),
      exitCode: healthy ? 0 : 1,
    };
  },
});
