import { join } from "node:path";
import { systemClock } from "@larder/schema";
import { type TemporaryFolder, temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyDefinitions, openOnlineStore, planDefinitions } from "../src/index.ts";
import { appliedDefinitionsRules } from "./applied-definitions-rules.ts";
import { definitionsOf } from "./definitions.ts";

const CALL = { tenant: "default" };

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

describe("sqlite", () => appliedDefinitionsRules(() => `{ type: sqlite, path: "${join(folder.path, "online.db")}" }`));

test("a store that ends with the process has nothing applied, and says so when asked to keep it", async () => {
  const definitions = definitionsOf("  - { name: v, entity: customer, features: [{ name: a, type: int64 }] }");
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  expect(await planDefinitions({ definitions, store }, CALL)).toMatchObject({ state: "never" });
  const applying = applyDefinitions({ definitions, store, clock: systemClock }, { confirmed: true }, CALL);
  await expect(applying).rejects.toMatchObject({ code: "UNSUPPORTED" });
});
