import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/**
 * What came of one package's suite, from its entry in turbo's summary and the JSON report in its folder: how many tests passed, failed and were
 * skipped. `problem` tells of a failure that no test shows: no report, a file that could not be loaded, something left open.
 */
export function readOutcome({ package: name, directory, cache, execution }, suite) {
  const cached = cache?.status === "HIT";
  const exitCode = cached ? 0 : execution?.exitCode;
  const path = join(directory, "reports", `${suite}.json`);
  const report = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
  return {
    name: `${name} ${suite}`,
    cached,
    seconds: execution === undefined || cached ? 0 : (execution.endTime - execution.startTime) / 1000,
    passed: report?.numPassedTests ?? 0,
    failed: report?.numFailedTests ?? 0,
    skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
    problem: problemOf(exitCode, report),
    failures: report === undefined ? [] : failuresIn(report),
  };
}

/** Every failed test as `file > name: what it said`: the first lines, in which fast-check tells seed and counterexample, without the stack. */
export function failuresIn({ testResults }) {
  return testResults.flatMap((file) =>
    file.assertionResults
      .filter((test) => test.status === "failed")
      .map((test) => `${basename(file.name)} > ${test.fullName}: ${gist(test.failureMessages?.[0] ?? "")}`),
  );
}

function gist(message) {
  const lines = message.split("\n").filter((line) => line.trim() !== "" && !/^\s+at /.test(line));
  return lines.slice(0, 4).join(" | ").slice(0, 800);
}

function problemOf(exitCode, report) {
  if (exitCode === undefined) return "was not run";
  if (report === undefined) return `left no report (exit code ${exitCode})`;
  // A file can fail while each of its tests passed, or before it had any.
  const files = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  if (files.length > 0) return `${files.length} file(s) failed outside of their tests`;
  if (report.numFailedTests === 0 && (exitCode !== 0 || !report.success)) return `ended with ${exitCode}`;
  return undefined;
}

/** Prints a line per suite and the sums. Returns the exit code. `servers` as provideServers gives them. */
export function printOutcomes(outcomes, servers, print) {
  let [passed, failed, skipped, cached] = [0, 0, 0, 0];
  print("");
  for (const outcome of outcomes) {
    passed += outcome.passed ?? 0;
    failed += (outcome.failed ?? 0) + (outcome.problem === undefined ? 0 : 1);
    skipped += outcome.skipped ?? 0;
    cached += outcome.cached ? 1 : 0;
    if (outcome.passed !== 0 || outcome.failed !== 0 || outcome.problem !== undefined) print(lineOf(outcome));
    // Here as well as above, thousands of lines up, where nobody finds them.
    for (const failure of outcome.failures ?? []) print(`  FAILED: ${failure}`);
  }
  print(`${cached} of ${outcomes.length} suites unchanged since an earlier run`);
  for (const server of servers.filter(({ ready }) => !ready)) {
    if (server.required) failed++;
    print(`${server.required ? "failed" : "not run"}: ${server.name} (${server.reason})`);
  }
  if (skipped > 0) print(`${skipped} skipped`);
  print(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function lineOf({ name, cached, seconds, passed = 0, failed = 0, problem }) {
  const counts = `${passed} passed, ${failed} failed`;
  const time = cached ? "cached" : `${(seconds ?? 0).toFixed(1)} s`;
  return `${name.padEnd(36)} ${counts.padEnd(22)} ${time}${problem === undefined ? "" : `  FAILED: ${problem}`}`;
}
