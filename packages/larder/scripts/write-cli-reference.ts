// Writes what follows from the verbs, the list and the blocks of docs/cli.md: `pnpm --filter larder reference`.
import { readFileSync, writeFileSync } from "node:fs";
import { withVerbs } from "./cli-reference.ts";

const page = new URL("../../../docs/cli.md", import.meta.url);
writeFileSync(page, withVerbs(readFileSync(page, "utf8")));
