import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startRedis } from "@larder/testkit";
import { expect, test } from "vitest";
import { DIFFERENCES, STRICT_DIFFERENCES } from "./differences.ts";
import { recordedEverything, recordedTelco } from "./golden.ts";
import { replay } from "./replay.ts";

test("recorded requests to a real Feast's server are answered equally, or differ as the list says", async () => {
  await using redis = await startRedis();
  await replay(redis, recordedTelco(), { prefix: "", differences: DIFFERENCES });
});

test("so are aliases, join key maps, collisions, every type, and views with and without entities", async () => {
  await using redis = await startRedis();
  await replay(redis, recordedEverything(), { prefix: "", differences: DIFFERENCES });
});

test("below /feast they are answered equally, but for what would store or serve what was not meant", async () => {
  await using redis = await startRedis();
  await replay(redis, recordedTelco(), { prefix: "/feast", differences: STRICT_DIFFERENCES });
  await replay(redis, recordedEverything(), { prefix: "/feast", differences: STRICT_DIFFERENCES });
});

test.each([
  ["Answers that differ", DIFFERENCES],
  ["What is left below /feast", STRICT_DIFFERENCES],
])(
  "docs/feast.md has every difference under %s, and no other; each is one of a recorded request",
  async (title, differences) => {
    const docs = await readFile(join(import.meta.dirname, "../../../../docs/feast.md"), "utf8");
    const [, table = ""] = docs.split(`### ${title}\n`);
    const names = [...(table.split("\n#", 1)[0] ?? "").matchAll(/^\| \*\*(.+)\*\* \|/gm)].map(([, name]) => name);
    expect(names).toEqual(Object.keys(differences));
    const recorded = [...recordedTelco().pairs, ...recordedEverything().pairs].map(({ name }) => name);
    for (const { pairs } of Object.values(differences))
      expect(recorded).toEqual(expect.arrayContaining(Object.keys(pairs)));
  },
);
