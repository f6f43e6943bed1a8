import { fileURLToPath } from "node:url";
import { startProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { call, openTestStore, row, scope, valuesOf } from "./open-test-store.ts";

const WRITER = fileURLToPath(import.meta.resolve("./endless-writer.ts"));
const BATCHES = 20;

test("writers that are killed lose nothing they were told is stored, and leave no half of a batch", async () => {
  await using opened = await openTestStore();
  const { store, path } = opened;
  const start = (name: string) =>
    startProcess(process.execPath, [
      "--conditions=@larder/source",
      "--disable-warning=ExperimentalWarning",
      WRITER,
      path,
      name,
    ]);
  await using one = await start("one");
  await using two = await start("two");
  const stored: number[] = [];
  for (const writer of [one, two]) {
    await writer.waitForLine(new RegExp(`^stored ${BATCHES}\\.`));
    writer.signal("SIGKILL");
    await writer.waitForExit();
    stored.push(Math.max(...[...writer.stdout.matchAll(/stored (\d+)\./g)].map((match) => Number(match[1]))));
  }

  for (const [index, name] of ["one", "two"].entries()) {
    const last = stored[index] as number;
    for (let batch = 0; batch <= last + 2; batch++) {
      const keys = Array.from({ length: 9 }, (_, i) => `${name}-${batch}-${i}`);
      const found = (await valuesOf(store, keys)).filter((value) => value !== undefined).length;
      if (batch <= last) expect(found, `batch ${batch} of ${name}`).toBe(9);
      else expect([0, 9], `batch ${batch} of ${name}`).toContain(found);
    }
  }
  expect(await store.putIfNewer(scope, [row("shared", 0)], call)).toEqual(["stale"]);
  expect(await store.putIfNewer(scope, [row("after", 0)], call)).toEqual(["applied"]);
});
