import { defineVerb } from "../verb.ts";

/** `larder keys create`: makes an API key. */
export const keysCreateVerb = defineVerb<{
  readonly tenant: readonly string[];
  readonly scopes: string;
  readonly expires?: string;
}>({
  usage: "create",
  summary: "make an API key and print it, once",
  description: `Adds a key to the file that server.auth.keys names; the file is made where it is missing, for its owner alone, and holds the key's hash. The
key itself is printed now and cannot be shown again. Running servers take it within a second.

A key is for the tenants that are named, and for the routes of its scopes: read (features), write (push, write, delete), predict, admin (materialize,
metrics). Callers send it as \`Authorization: Bearer KEY\`.`,
  examples: [
    "keys create --tenant default --scopes read,predict",
    "keys create --tenant acme --scopes read,write --expires 90d --json",
  ],
  tenant: "several",
  required: ["--scopes"],
  options: (command) =>
    command
      .option("--scopes <list>", "what it is good for: read, write, predict, admin, with commas (required)")
      .option("--expires <duration>", "until when, from now, as 90d (default: until it is revoked)"),
  async run({ file, options, terminal }) {
    const { createKey } = await import("../../api-keys.ts");
    const { tenant: tenants, scopes, expires } = options;
    const made = await createKey({ file, env: terminal.env, tenants, scopes, expires });
    return {
      json: made,
      text: `${made.key}\n`,
    };
  },
});
