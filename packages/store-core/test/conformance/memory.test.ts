import { seededRandom, testRuns, testSeed } from "@larder/testkit";
import { test } from "vitest";
import { conformance, histories } from "../../conformance/index.ts";
import { memoryHarness } from "./memory-harness.ts";

const harness = memoryHarness();

conformance({ it: test, harness });
histories({ it: test, harness, seed: testSeed(), runs: testRuns(10), randomOf: seededRandom });
