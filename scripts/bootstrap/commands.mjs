import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "./setup-error.mjs";

/** What each command of its own runs, from the repository's root. Every other name is a turbo task. */
const PROGRAMS = {
  quickstart: ["examples/churn/scripts/quickstart.mjs"],
  "demo:stream": ["--conditions=@larder/source", "examples/churn/scripts/demo-stream.mjs"],
  test: ["scripts/test.mjs"],
  lint: ["scripts/lint.mjs"],
  bench: ["scripts/bench.mjs", "bench"],
  "bench:redis": ["scripts/bench.mjs", "bench:redis"],
  "bench:serving": ["scripts/bench.mjs", "bench:serving"],
  "bench:fairness": ["scripts/bench.mjs", "bench:fairness"],
  "bench:deadline": ["scripts/bench.mjs", "bench:deadline"],
  "bench:training": ["scripts/bench.mjs", "bench:training"],
  "bench:materializer": ["scripts/bench.mjs", "bench:materializer"],
  "bench:regression": ["--conditions=@larder/source", "packages/loadtest/src/regression/main.ts"],
  loadtest: ["scripts/loadtest.mjs"],
  "bench:peers": ["scripts/bench.mjs", "bench:peers"],
  soak: ["scripts/soak.mjs"],
  proved: ["scripts/proved.mjs"],
  setup: ["scripts/setup.mjs"],
  "lint-packages": ["scripts/lint-packages.mjs"],
  "try-tarballs": ["--conditions=@larder/source", "scripts/try-tarballs.mjs"],
};

/** Arguments for Node, and the options of its process, for a command line. Throws UNKNOWN_COMMAND. */
export function commandLine(root, command, args) {
  if (command === "larder") {
    const main = join(root, "packages", "larder", "src", "cli", "main.ts");
    const cwd = process.env["INIT_CWD"] || process.cwd();
    return { program: ["--conditions=@larder/source", main, ...args], options: { cwd } };
  }
  const options = { cwd: root };
  if (Object.hasOwn(PROGRAMS, command ?? "")) return { program: [...PROGRAMS[command], ...args], options };
  const tasks = Object.keys(JSON.parse(readFileSync(join(root, "turbo.json"), "utf8")).tasks);
  if (tasks.includes(command)) return { program: ["node_modules/turbo/bin/turbo", "run", command, ...args], options };
  const known = ["larder", ...Object.keys(PROGRAMS), ...tasks.filter((task) => !Object.hasOwn(PROGRAMS, task))];
  const what = command === undefined ? "No command was given" : `"${command}" is no command`;
  throw new SetupError("UNKNOWN_COMMAND", what, `Use one of ${[...new Set(known)].join(", ")}`);
}
