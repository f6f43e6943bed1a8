import { defineVerb } from "../verb.ts";

/** `larder keys revoke ID`: takes an API key out of its file. */
export const keysRevokeVerb = defineVerb<{ readonly tenant?: string }>({
  usage: "revoke <id>",
  summary: "revoke an API key",
  description: `Takes the key out of the file that server.auth.keys names. Running servers refuse it within a second.`,
  examples: ["keys revoke 0123456789abcdef"],
  tenant: "unset",
  async run({ file, args: [id = ""], options, terminal }) {
    const { revokeKey } = await import("../../api-keys.ts");
    await revokeKey({ file, env: terminal.env, id, tenant: options.tenant });
    return { json: { id, revoked: true }, text: `revoked ${id}\n` };
  },
});
