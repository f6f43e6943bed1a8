// Whether test files of one package prove what they are for: `node scripts/bootstrap.mjs proved FOLDER pure|servers FILE...`. Runs the package's
// suite through turbo, so that what `npm test` has just run is not run again, and fails where a file is missing, had no test, or a test of it
// failed or was left out.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { failuresIn } from "./test-outcomes.mjs";
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
await runTurboTests(task, [`--filter=./${folder}`]);
const results = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).testResults : [];
for (const file of files) {
  // A report that turbo restored may have been written in another clone: only the end of the path counts.
  const found = results.filter((result) => result.name.endsWith(`/${folder}/${file}`));
  const tests = found.flatMap((result) => result.assertionResults);
  const passed = tests.filter((test) => test.status === "passed").length;
  console.log(`proved: ${folder}/${file}: ${passed} of ${tests.length} tests passed`);
  for (const failure of failuresIn({ testResults: found })) console.log(`  FAILED: ${failure}`);
  if (passed === 0 || passed !== tests.length || found.some((result) => result.status !== "passed"))
    process.exitCode = 1;
}
