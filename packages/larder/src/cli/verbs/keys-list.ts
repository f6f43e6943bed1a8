import { defineVerb } from "../verb.ts";

/** `larder keys list`: the API keys there are, without the keys. */
export const keysListVerb = defineVerb<{ readonly tenant?: string }>({
  usage: "list",
  summary: "list API keys, without the keys themselves",
  description: `Shows id, tenants, scopes and times of the keys in the file that server.auth.keys names. A key that has expired stays listed, and is refused.`,
  examples: ["keys list", "keys list --tenant acme --json"],
  tenant: "all",
  async run({ file, options, terminal }) {
    const { listKeys } = await import("../../api-keys.ts");
    const { renderTable } = await import("../render/table.ts");
    const keys = await listKeys({ file, env: terminal.env, tenant: options.tenant });
    const rows = keys.map(({ id, tenants, scopes, created, expires, expired }) => [
      id,
      tenants.join(", "),
      scopes.join(", "),
      created,
      expires === null ? "never" : expired ? `${expires} (expired)` : expires,
    ]);
    return {
      json: { keys },
      text: rows.length === 0 ? "no keys\n" : renderTable(["id", "tenants", "scopes", "created", "expires"], rows),
    };
  },
});
