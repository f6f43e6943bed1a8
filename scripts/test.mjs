// All tests: `npm test [-- turbo arguments]`. Makes the listed servers available, runs the pure suites and then the ones that need servers, and
// sums the packages' reports, of this run or restored by turbo from an earlier run of the same sources. The last line is `N passed, N failed`.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runForeground } from "./bootstrap/child.mjs";
import { listedServers, provideServers } from "./servers/install.mjs";
import { printOutcomes, readOutcome } from "./test-outcomes.mjs";

const SUITES = { test: "pure", "test:servers": "servers" };
/** Two packages at once fill two cores; suites with servers measure time and would disturb each other. */
const CONCURRENCY = { test: 2, "test:servers": 1 };
const RUNS = ".turbo/runs";

const servers = await provideServers(Object.keys(listedServers()), (line) => console.log(`servers: ${line}`));
process.env["LARDER_SERVERS"] = servers
  .filter((server) => server.ready)
  .map((server) => server.name)
  .join(",");
removeReports();
const outcomes = [];
for (const task of Object.keys(SUITES)) outcomes.push(...(await runTask(task, process.argv.slice(2))));
process.exitCode = printOutcomes(outcomes, servers, console.log);

/** No report may be left from an earlier run: a suite that dies before writing one must be seen. Turbo restores those that still hold. */
function removeReports() {
  const packages = ["packages", "examples"].flatMap((group) => readdirSync(group).map((name) => join(group, name)));
  for (const folder of [...packages, "scripts"]) rmSync(join(folder, "reports"), { recursive: true, force: true });
}

/** Runs one turbo task in every package that has it, and says per package what came of it. */
async function runTask(task, args) {
  rmSync(RUNS, { recursive: true, force: true });
  console.log(`\n--- turbo run ${task}`);
  const turbo = [
    "node_modules/turbo/bin/turbo",
    "run",
    task,
    "--continue=always",
    "--summarize",
    "--output-logs=new-only",
  ];
  const { code } = await runForeground(process.execPath, [...turbo, `--concurrency=${CONCURRENCY[task]}`, ...args]);
  const summary = readSummary();
  if (summary === undefined)
    return [{ name: `turbo run ${task}`, problem: `ended with ${code} before it ran anything` }];
  const tasks = summary.tasks.filter((entry) => entry.task === task && entry.command !== "<NONEXISTENT>");
  return tasks.map((entry) => readOutcome(entry, SUITES[task]));
}

function readSummary() {
  try {
    const [name] = readdirSync(RUNS);
    return name === undefined ? undefined : JSON.parse(readFileSync(join(RUNS, name), "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
