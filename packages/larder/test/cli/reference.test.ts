import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { withVerbs } from "../../scripts/cli-reference.ts";

const page = readFileSync(new URL("../../../../docs/cli.md", import.meta.url), "utf8");

test("docs/cli.md says of each verb what its own help says", () => {
  expect(page === withVerbs(page), "run: pnpm --filter larder reference").toBe(true);
});

test("a page that lacks a verb gets its section; words written by hand and other sections stay where they are", () => {
  const head = "# Page\n\n<!-- verbs -->\n<!-- /verbs -->\n\n## Shared\nAll of them.\n";
  const written = withVerbs(`${head}\n## gone\n<!-- verb:gone -->\n<!-- /verb:gone -->\n\n## get\nBy hand, $& too.\n`);
  expect(written).toContain("| [`get`](#get) | ");
  expect(written).toMatch(/## Shared\nAll of them\.\n\n## init\n/);
  expect(written).toMatch(/<!-- \/verb:get -->\nBy hand, \$& too\.\n/);
  expect(written).toContain("| `--lookback <duration>` | 1h | how long");
  expect(written).not.toContain("gone");
  expect(withVerbs(written)).toBe(written);
});
