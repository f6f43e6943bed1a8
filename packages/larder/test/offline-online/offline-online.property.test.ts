import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { type Engines, expectEqualSides, openEngines } from "./sides.ts";

let engines: Engines;
beforeAll(async () => {
  engines = await openEngines();
});
afterAll(() => engines[Symbol.asyncDispose]());

test.each([
  ["memory", () => "{ type: memory }", 4],
  ["sqlite", (folder: string) => `{ type: sqlite, path: ${join(folder, "online.db")}, deadline: 30s }`, 1],
] as const)(
  "%s: what is materialized at a time, joined for it, and read as of it are one, statuses too",
  async (_, onlineStore, runs) => {
    await expectEqualSides(engines, { onlineStore }, runs);
  },
);
