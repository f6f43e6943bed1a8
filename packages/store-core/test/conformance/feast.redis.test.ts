import { seededRandom, testRuns, testSeed } from "@larder/testkit";
import { afterAll, describe, test } from "vitest";
import { conformance, histories } from "../../conformance/index.ts";
import { feastHarness, oneServer } from "./feast-harness.ts";

for (const [gather, version] of [
  ["script", 3],
  ["pipeline", 2],
] as const) {
  const harness = feastHarness(await oneServer(), gather, version);
  afterAll(() => harness[Symbol.asyncDispose]());

  describe(harness.name, () => {
    conformance({ it: test, harness });
    histories({ it: test, harness, seed: testSeed(), runs: testRuns(6), randomOf: seededRandom });
  });
}
