// Runs one package's tests: `node ../../scripts/run-vitest.mjs pure|servers [vitest arguments]`, from the package's folder.
// The JSON report is what scripts/test.mjs sums, and what turbo restores when nothing changed.
import fs from "node:fs"; // globSync is younger than the Node that shall be told to go away
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { endAs, runForeground } from "./bootstrap/child.mjs";
import { cacheFolder } from "./cache-folder.mjs";

const [suite = "pure", ...rest] = process.argv.slice(2);
if (suite !== "pure" && suite !== "servers") {
  console.error(`run-vitest: "${suite}" is not a suite. Use pure or servers.`);
  process.exit(2);
}
if (Number.parseInt(process.versions.node, 10) < 24) {
  console.error(
    `run-vitest: this is Node ${process.version}, the tests need 24. Run "npm test", or put Node 24 first on PATH.`,
  );
  process.exit(2);
}
const report = `reports/${suite}.json`;
// A run that dies before it writes its report must not be taken for the last one that lived.
fs.rmSync(report, { force: true });

process.env["LARDER_SUITE"] = suite;
process.env["LARDER_CACHE"] = cacheFolder();
const root = join(dirname(fileURLToPath(import.meta.url)), "..");
// Tests start the command hundreds of times, from its sources, which Node would strip and compile anew each time.
process.env["NODE_COMPILE_CACHE"] ??= join(root, "node_modules/.cache/compiled");
const config = join(root, "vitest.shared.mjs");
const { include, exclude } = (await import(pathToFileURL(config).href)).default.test;

if (fs.globSync(include, { exclude }).length === 0) {
  // Most packages need no server; starting vitest to find that out takes longer than many a suite.
  console.log(`run-vitest: no ${suite} tests here`);
  const none = {
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    success: true,
    testResults: [],
  };
  fs.mkdirSync("reports", { recursive: true });
  fs.writeFileSync(report, JSON.stringify(none));
} else {
  const require = createRequire(join(process.cwd(), "package.json"));
  const vitest = join(dirname(require.resolve("vitest/package.json")), "vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const args = ["run", "--root", process.cwd(), "--config", config, ...reporters, ...rest];
  endAs(await runForeground(process.execPath, [vitest, ...args]));
}
