import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { EMBEDDED, embedLua } from "../../../scripts/embed-lua.ts";
import * as embedded from "../../../src/stores/redis/scripts.gen.ts";

test("the embedded scripts are those of the .lua files (if not: pnpm embed-lua)", () => {
  expect(readFileSync(EMBEDDED, "utf8")).toBe(embedLua());
});

test("every script says what it takes and answers", () => {
  for (const text of Object.values(embedded)) {
    for (const head of ["-- KEYS ", "-- ARGV ", "-- reply "]) expect(text).toContain(head);
  }
});
