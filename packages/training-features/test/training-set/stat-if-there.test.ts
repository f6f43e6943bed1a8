import { join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { statIfThere } from "../../src/training-set/stat-if-there.ts";

test("only what is not there counts as absent; what cannot be looked at is an error that names it", async () => {
  await using folder = await temporaryFolder();
  expect((await statIfThere(folder.path))?.isDirectory()).toBe(true);
  expect(await statIfThere(join(folder.path, "nothing"))).toBeUndefined();
  expect(await statIfThere(join(import.meta.filename, "below-a-file"))).toBeUndefined();
  const endless = join(folder.path, "x".repeat(5_000));
  await expect(statIfThere(endless)).rejects.toMatchObject({ code: "SOURCE_UNREADABLE", facts: { file: endless } });
});
