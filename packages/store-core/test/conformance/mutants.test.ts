import { expect, test } from "vitest";
import { conformance } from "../../conformance/index.ts";
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
  for (const { name, run } of rules) await run().catch(() => failed.push(name));
  return { stated: rules.map(({ name }) => name), failed };
}
