// Whether test files of one package prove what they are for: `node scripts/bootstrap.mjs proved FOLDER pure|servers FILE...`. Runs the package's
// suite through turbo, so that what `npm test` has just run is not run again, and fails where a file is missing, had no test, or a test of it
// failed or was left out.
import { readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { prepareServers, runTurboTests, SUITES } from "./turbo-tests.mjs";

const [folder, suite, ...files] = process.argv.slice(2);
const task = Object.keys(SUITES).find((name) => SUITES[name] === suite);
if (folder === undefined || task === undefined || files.length === 0) {
  console.error("proved: give a package's folder, pure or servers, and test files.");
  process.exit(2);
}
await prepareServers();
const path = `${folder}/reports/${suite}.json`;
rmSync(path, { force: true });
const [outcome] = await runTurboTests(task, [`--filter=./${folder}`]);
const results = outcome.problem?.startsWith("left no report") ? [] : JSON.parse(readFileSync(path, "utf8")).testResults;
for (const file of files) {
  const tests = results
    .filter((result) => result.name === resolve(folder, file))
    .flatMap((result) => result.assertionResults);
  const passed = tests.filter((test) => test.status === "passed").length;
  console.log(`proved: ${folder}/${file}: ${passed} of ${tests.length} tests passed`);
  if (passed === 0 || passed !== tests.length) process.exitCode = 1;
}
