import { defineVerb } from "../verb.ts";

/** `larder codegen`: TypeScript types of the definitions. */
export const codegenVerb = defineVerb<{
  readonly out?: string;
  readonly client?: boolean;
  readonly check?: boolean;
  readonly tenant?: string;
}>({
  usage: "codegen",
  summary: "write TypeScript types of the definitions",
  description: `Writes larder.gen.ts beside the definitions: a FeatureStore whose names, entity rows and values the compiler checks. Touches no
store. A file that is up to date is left as it is, and one that codegen did not write is never overwritten.

With --client it writes larder.client.gen.ts: a createClient of @larder/client, typed the same way, for applications that call the server over HTTP.

With --check it writes nothing and exits 1 when the file is missing or not what codegen would write: a step for CI.`,
  examples: ["codegen", "codegen --out src/larder.gen.ts", "codegen --client", "codegen --check"],
  tenant: "unset",
  options: (command) =>
    command
      .option(
        "--out <file>",
        "where the types go (default: larder.gen.ts beside the definitions; with --client larder.client.gen.ts)",
      )
      .option("--client", "types of the HTTP client in place of those of FeatureStore")
      .option("--check", "only say whether the file is up to date"),
  async run({ file, options, terminal, path }) {
    const { dirname, join } = await import("node:path");
    const { findTenant, loadDefinitions } = await import("@larder/schema");
    const { checkTypes, writeTypes } = await import("../../write-types.ts");
    const definitions = await loadDefinitions(file, { env: terminal.env });
    if (options.tenant !== undefined) findTenant(definitions, options.tenant);
    const kind = options.client === true ? "client" : "store";
    const name = kind === "client" ? "larder.client.gen.ts" : "larder.gen.ts";
    const out = options.out === undefined ? join(dirname(file), name) : path(options.out);
    if (options.check === true) {
      await checkTypes(definitions, out, kind);
      return { json: { out, changed: false }, text: `${out} is up to date\n` };
    }
    const changed = await writeTypes(definitions, out, kind);
    return { json: { out, changed }, text: changed ? `wrote ${out}\n` : `${out} was up to date\n` };
  },
});
