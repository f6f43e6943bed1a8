import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProcess, type TemporaryFolder, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { printOutcomes, readOutcome } from "../test-outcomes.mjs";

const SCRIPTS = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a fixture's suite as turbo would and answers what is made of it. `suite` may name one that the fixture lacks. */
async function outcomeOf(fixture: string, suite = "pure") {
  const directory = join(SCRIPTS, "fixtures", fixture);
  const { code } = await runProcess(process.execPath, [join(SCRIPTS, "run-vitest.mjs"), suite], { cwd: directory });
  return readOutcome(entry(directory, code ?? 137), suite);
}

function entry(directory: string, exitCode: number, status = "MISS") {
  return { package: "p", directory, cache: { status }, execution: { startTime: 1_000, endTime: 3_500, exitCode } };
}

/** The last line and the exit code that outcomes lead to. */
function sum(outcomes: readonly object[], servers: readonly object[] = []) {
  const lines: string[] = [];
  const code = printOutcomes(outcomes, servers, (line: string) => lines.push(line));
  return { code, last: lines.at(-1), lines };
}

test("a suite that passes is counted", async () => {
  const outcome = await outcomeOf("passes");
  expect(outcome).toEqual({
    name: "p pure",
    cached: false,
    seconds: 2.5,
    passed: 1,
    failed: 0,
    skipped: 0,
    failures: [],
  });
  expect(sum([outcome])).toMatchObject({ code: 0, last: "1 passed, 0 failed" });
});

test("failed and skipped tests are counted, the skipped ones apart", async () => {
  const outcome = await outcomeOf("fails");
  expect(outcome).toMatchObject({ passed: 1, failed: 1, skipped: 1 });
  expect(outcome.problem).toBeUndefined();
  const { code, last, lines } = sum([outcome]);
  expect([code, last, lines.at(-2)]).toEqual([1, "1 passed, 1 failed", "1 skipped"]);
  // Named beside the sums: the runs' own output is thousands of lines above.
  expect(lines.find((line) => line.includes("FAILED"))).toMatch(/^ {2}FAILED: \S+\.test\.ts > .+: AssertionError: /);
});

test("a file that leaves something open, or can't be loaded, is a failure though no test failed", async () => {
  const leaks = await outcomeOf("leaks");
  expect(leaks).toMatchObject({ passed: 1, failed: 0, problem: "1 file(s) failed outside of their tests" });
  const unloadable = await outcomeOf("loads-not");
  expect(unloadable).toMatchObject({ passed: 0, problem: "1 file(s) failed outside of their tests" });
  expect(sum([leaks, unloadable])).toMatchObject({ code: 1, last: "1 passed, 2 failed" });
});

test("a run that dies is a failure, even where an older run left a good report", async () => {
  const reports = join(SCRIPTS, "fixtures", "dies", "reports");
  mkdirSync(reports, { recursive: true });
  writeFileSync(join(reports, "pure.json"), REPORT);
  const outcome = await outcomeOf("dies");
  expect(outcome).toMatchObject({ passed: 0, failed: 0 });
  expect(outcome.problem).toMatch(/^left no report \(exit code \d+\)$/);
  expect(sum([outcome])).toMatchObject({ code: 1, last: "0 passed, 1 failed" });
});

test("a package without tests of a suite passes with none", async () => {
  expect(await outcomeOf("passes", "servers")).toMatchObject({ passed: 0, failed: 0, problem: undefined });
});

test("a task that passed without a report, failed with a good one, or never ran is a failure", async () => {
  await using folder: TemporaryFolder = await temporaryFolder();
  expect(readOutcome(entry(folder.path, 0), "pure").problem).toBe("left no report (exit code 0)");
  mkdirSync(join(folder.path, "reports"));
  writeFileSync(join(folder.path, "reports", "pure.json"), REPORT);
  expect(readOutcome(entry(folder.path, 0), "pure").problem).toBeUndefined();
  expect(readOutcome(entry(folder.path, 1), "pure").problem).toBe("ended with 1");
  const unrun = { package: "p", directory: folder.path, cache: { status: "MISS" }, execution: undefined };
  expect(readOutcome(unrun, "pure").problem).toBe("was not run");
  const restored = readOutcome(entry(folder.path, 0, "HIT"), "pure");
  expect(restored).toMatchObject({ cached: true, passed: 3 });
  expect(sum([restored]).lines).toContain("1 of 1 suites unchanged since an earlier run");
});

const REPORT = JSON.stringify({
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  success: true,
  testResults: [],
});

test("a missing server is a failure if it is required, else it is told and counted apart", () => {
  const servers = [
    { name: "redis", required: true, ready: false, reason: "no redis. Install it." },
    { name: "kafka", required: false, ready: false, reason: "no Java. Install it." },
    { name: "other", required: true, ready: true },
  ];
  const { code, last, lines } = sum([{ name: "p pure", passed: 5, failed: 0, skipped: 0 }], servers);
  expect([code, last]).toEqual([1, "5 passed, 1 failed"]);
  expect(lines).toContain("failed: redis (no redis. Install it.)");
  expect(lines).toContain("not run: kafka (no Java. Install it.)");
  expect(sum([], servers.slice(1)).code).toBe(0);
});
