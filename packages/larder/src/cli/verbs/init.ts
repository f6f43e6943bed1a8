import { defineVerb } from "../verb.ts";

/** `larder init DIR`: a new repository that works. */
export const initVerb = defineVerb({
  usage: "init <DIR>",
  summary: "write a small repository that works, to begin with",
  description: `Writes feature_store.yaml, Parquet data of a made-up shop, rows to push, a package.json and a README with commands that work as they
stand, and prints the first of them. DIR is made if need be. A folder that is not empty is refused: nothing is ever overwritten.`,
  examples: ["init demo", "init . --json"],
  standalone: true,
  async run({ args, path, terminal }) {
    const { initRepository } = await import("../../init-repository.ts");
    const [dir = ""] = args;
    const folder = path(dir);
    const { files, installed } = await initRepository(folder);
    const next = [
      ...(folder === terminal.folder ? [] : [`cd ${shellWord(dir)}`]),
      ...(installed ? [] : ["npm install"]),
      "npx larder validate",
      "npx larder materialize 2024-01-01 2024-05-01",
      "npx larder get --service orders_v1 --entity customer_id=7",
    ];
    const lines = next.map((line) => `  ${line}\n`).join("");
    return {
      json: { folder, files, next },
      text: `wrote ${files.length} files to ${folder}. Go on with:\n\n${lines}\nREADME.md has more.\n`,
    };
  },
});

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) && !text.startsWith("-") ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
