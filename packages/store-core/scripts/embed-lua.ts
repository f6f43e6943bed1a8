// Writes src/stores/redis/scripts.gen.ts from the .lua files beside it: `pnpm embed-lua`. A module travels through tsc and bundlers, a file beside
// one does not. test/stores/redis/scripts.test.ts fails when this was forgotten.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const redis = join(import.meta.dirname, "..", "src", "stores", "redis");
export const EMBEDDED = join(redis, "scripts.gen.ts");

/** The text of {@link EMBEDDED}: one constant per .lua file, `put-rows.lua` as PUT_ROWS. */
export function embedLua(): string {
  const folder = join(redis, "scripts");
  const constants = readdirSync(folder)
    .filter((file) => file.endsWith(".lua"))
    .sort()
    .map((file) => {
      const name = file.slice(0, -".lua".length).replaceAll("-", "_").toUpperCase();
      const text = readFileSync(join(folder, file), "utf8").replaceAll(/[\\`]|\$\{/g, (special) => `\\${special}`);
      return `export const ${name} = \`\n${text}\`;\n`;
    });
  return `// Made by scripts/embed-lua.ts from scripts/*.lua: change those, then run \`pnpm embed-lua\`.\n\n${constants.join("\n")}`;
}

if (import.meta.main) writeFileSync(EMBEDDED, embedLua());
