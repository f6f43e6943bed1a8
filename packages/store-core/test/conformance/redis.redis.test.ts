import { seededRandom, testRuns, testSeed } from "@larder/testkit";
import { afterAll, describe, test } from "vitest";
import { conformance, histories } from "../../conformance/index.ts";
import { redisHarness } from "./redis-harness.ts";

for (const gather of ["script", "pipeline"] as const) {
  const harness = await redisHarness(gather);
  afterAll(() => harness[Symbol.asyncDispose]());

  describe(harness.name, () => {
    conformance({ it: test, harness });
    histories({ it: test, harness, seed: testSeed(), runs: testRuns(6), randomOf: seededRandom });
  });
}
