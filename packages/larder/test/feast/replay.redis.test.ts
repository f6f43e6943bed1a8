import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startRedis } from "@larder/testkit";
import { expect, test } from "vitest";
import { DIFFERENCES } from "./differences.ts";
import { recordedEverything, recordedTelco } from "./golden.ts";
import { replay } from "./replay.ts";

test("recorded requests to a real Feast's server are answered equally, or differ as the list says", async () => {
  await using redis = await startRedis();
  await replay(redis, recordedTelco());
});

test("so are aliases, join key maps, collisions, every type, and views with and without entities", async () => {
  await using redis = await startRedis();
  await replay(redis, recordedEverything());
});

test("docs/feast.md has every difference, and no other; each is one of a recorded request", async () => {
  const docs = await readFile(join(import.meta.dirname, "../../../../docs/feast.md"), "utf8");
  const [, table = ""] = docs.split("### Answers that differ\n");
  const names = [...(table.split("\n#", 1)[0] ?? "").matchAll(/^\| \*\*(.+)\*\* \|/gm)].map(([, name]) => name);
  expect(names).toEqual(Object.keys(DIFFERENCES));
  const recorded = [...recordedTelco().pairs, ...recordedEverything().pairs].map(({ name }) => name);
  for (const { pairs } of Object.values(DIFFERENCES))
    expect(recorded).toEqual(expect.arrayContaining(Object.keys(pairs)));
});
