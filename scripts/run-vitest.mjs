// Runs one package's tests: `node ../../scripts/run-vitest.mjs pure|servers [vitest arguments]`, from the package's folder.
// The JSON report is what scripts/test.mjs sums, and what turbo restores when nothing changed.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [suite = "pure", ...rest] = process.argv.slice(2);
if (suite !== "pure" && suite !== "servers") {
  console.error(`run-vitest: "${suite}" is not a suite. Use pure or servers.`);
  process.exit(2);
}
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
  `--outputFile.json=reports/${suite}.json`,
];
const child = spawn(process.execPath, [vitest, ...args, ...rest], {
  stdio: "inherit",
  env: { ...process.env, LARDER_SUITE: suite },
});
child.on("exit", (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1);
});
