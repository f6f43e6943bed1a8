// All tests: `npm test [-- turbo arguments]`. Makes the listed servers available, runs the pure suites and then the ones that need servers, and
// sums the packages' reports, of this run or restored by turbo from an earlier run of the same sources. The last line is `N passed, N failed`.
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { printOutcomes } from "./test-outcomes.mjs";
import { prepareServers, runTurboTests, SUITES } from "./turbo-tests.mjs";

const servers = await prepareServers();
removeReports();
const outcomes = [];
for (const task of Object.keys(SUITES)) outcomes.push(...(await runTurboTests(task, process.argv.slice(2))));
process.exitCode = printOutcomes(outcomes, servers, console.log);

/** No report may be left from an earlier run: a suite that dies before writing one must be seen. Turbo restores those that still hold. */
function removeReports() {
  const packages = ["packages", "examples"].flatMap((group) => readdirSync(group).map((name) => join(group, name)));
  for (const folder of [...packages, "scripts"]) {
    for (const suite of Object.values(SUITES)) rmSync(join(folder, "reports", `${suite}.json`), { force: true });
  }
}
