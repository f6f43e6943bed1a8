// Runs one package's tests: `node ../../scripts/run-vitest.mjs pure|servers [vitest arguments]`, from the package's folder.
// The JSON report is what scripts/test.mjs sums, and what turbo restores when nothing changed.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
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
rmSync(report, { force: true });

const require = createRequire(join(process.cwd(), "package.json"));
const vitest = join(dirname(require.resolve("vitest/package.json")), "vitest.mjs");
const config = join(dirname(fileURLToPath(import.meta.url)), "..", "vitest.shared.mjs");
const args = [
  "run",
  "--root",
  process.cwd(),
  "--config",
  config,
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${report}`,
];
const child = spawn(process.execPath, [vitest, ...args, ...rest], {
  stdio: "inherit",
  env: { ...process.env, LARDER_SUITE: suite, LARDER_CACHE: cacheFolder() },
});
child.on("exit", (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1);
});
