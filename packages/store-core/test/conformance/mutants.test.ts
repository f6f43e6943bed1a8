import { AssertionError } from "node:assert";
import { seededRandom, testSeed } from "@larder/testkit";
import { expect, test } from "vitest";
import { conformance, histories } from "../../conformance/index.ts";
import { memoryHarness } from "./memory-harness.ts";
import { MUTANTS, type Mutant } from "./mutants.ts";

test("there are many mutants, each with a name of its own", () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  expect(MUTANTS.length).toBeGreaterThan(50);
});

for (const mutant of MUTANTS) {
  test(`the mutant "${mutant.name}" is caught by ${mutant.caughtBy}`, async () => {
    const { stated, failed } = await runRules(mutant);
    expect(stated).not.toEqual([]);
    expect(failed).not.toEqual([]);
  });
}

/** Runs the rules that have to notice, against the mutant. The store without mutation passes them all in memory.test.ts. */
async function runRules(mutant: Mutant): Promise<{ readonly stated: string[]; readonly failed: string[] }> {
  const rules: { readonly name: string; run(): Promise<void> }[] = [];
  const it = (name: string, run: () => Promise<void>) => {
    if (name.startsWith(mutant.caughtBy)) rules.push({ name, run });
  };
  conformance({ it, harness: memoryHarness(mutant) });
  const failed: string[] = [];
  for (const { name, run } of rules) {
    await run().catch((error) => {
      // Anything else would be a fault of the mutant, not of what it does.
      if (!(error instanceof AssertionError)) throw error;
      failed.push(name);
    });
  }
  return { stated: rules.map(({ name }) => name), failed };
}

const FOUND_BY_HISTORIES = [
  "reads, then writes",
  "ignores the created time",
  "the last to arrive wins a tie",
  "forgets tombstones",
  "an older row shortens the expiry",
  "resets every tenant whose name starts alike",
  "stores no schemas",
];

for (const mutant of MUTANTS.filter(({ name }) => FOUND_BY_HISTORIES.includes(name))) {
  test(`the mutant "${mutant.name}" is found by random histories, too`, async () => {
    const tests: (() => Promise<void>)[] = [];
    const it = (_: string, run: () => Promise<void>) => tests.push(run);
    histories({ it, harness: memoryHarness(mutant), seed: testSeed(), runs: 50, randomOf: seededRandom });
    const all = async () => {
      for (const run of tests) await run();
    };
    await expect(all()).rejects.toThrow("replay it with LARDER_SEED=");
  });
}
