import { seededRandom, testRuns, testSeed } from "@larder/testkit";
import { afterAll, test } from "vitest";
import { conformance, histories } from "../../conformance/index.ts";
import { sqliteHarness } from "./sqlite-harness.ts";

const harness = sqliteHarness();
afterAll(() => harness[Symbol.asyncDispose]());

conformance({ it: test, harness });
histories({ it: test, harness, seed: testSeed(), runs: testRuns(4), randomOf: seededRandom });
