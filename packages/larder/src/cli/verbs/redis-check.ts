import { defineVerb } from "../verb.ts";

/** `larder redis check`: settings of the server that would hurt. */
export const redisCheckVerb = defineVerb<{ readonly tenant?: string }>({
  usage: "check",
  summary: "look for settings of Redis that cost memory or lose rows, with the lines that make them good",
  description: `Looks at version, eviction, memory, persistence, replication and connections of every primary, and changes nothing. Where CONFIG is
not allowed, as with most managed services, it looks at what INFO tells and says what it could not look at.

Exits 1 for what may lose what was written (maxmemory-policy allkeys-*, which could drop Larder's meta, or a version that is too old); warnings alone
exit 0.`,
  examples: ["redis check", "redis check --json"],
  tenant: "unset",
  async run({ file, options, terminal }) {
    const { findTenant, LarderError, loadDefinitions } = await import("@larder/schema");
    const { inspectOnlineStore } = await import("@larder/store-core");
    const { renderTable } = await import("../render/table.ts");
    const definitions = await loadDefinitions(file, { env: terminal.env });
    if (options.tenant !== undefined) findTenant(definitions, options.tenant);
    const { type } = definitions.onlineStore;
    if (type !== "redis") {
      throw new LarderError("UNSUPPORTED", { what: `online_store.type is ${type}`, remedy: "Use it with type: redis" });
    }
    const findings = await inspectOnlineStore(definitions);
    const healthy = findings.every(({ severity }) => severity !== "problem");
    const rows = findings.map(({ severity, setting, what, remedy, config }) => [
      severity,
      setting,
      what,
      remedy,
      config ?? "",
    ]);
    return {
      json: { healthy, findings: findings.map((each) => ({ ...each, config: each.config ?? null })) },
      text:
        findings.length === 0 ? "nothing to say\n" : renderTable(["state", "setting", "what", "remedy", "line"], rows),
      exitCode: healthy ? 0 : 1,
    };
  },
});
