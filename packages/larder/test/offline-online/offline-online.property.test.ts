import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { type Engines, expectEqualSides, openEngines } from "./sides.ts";

let engines: Engines;
beforeAll(async () => {
  engines = await openEngines();
});
afterAll(() => engines[Symbol.asyncDispose]());

test("what is materialized at a time, joined for it, and read as of it are one, statuses too", async () => {
  const memory = { onlineStore: () => "{ type: memory }" };
  const sqlite = {
    onlineStore: (folder: string) => `{ type: sqlite, path: ${join(folder, "online.db")}, deadline: 30s }`,
  };
  await expectEqualSides(engines, [memory, sqlite], 8);
});
