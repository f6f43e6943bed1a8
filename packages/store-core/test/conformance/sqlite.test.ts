import { afterAll, test } from "vitest";
import { conformance } from "../../conformance/index.ts";
import { sqliteHarness } from "./sqlite-harness.ts";

const harness = sqliteHarness();
afterAll(() => harness[Symbol.asyncDispose]());

conformance({ it: test, harness });
