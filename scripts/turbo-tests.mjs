import { readdirSync, readFileSync, rmSync } from "node:fs";
import { runForeground } from "./bootstrap/child.mjs";
import { listedServers, provideServers } from "./servers/install.mjs";
import { readOutcome } from "./test-outcomes.mjs";

/** The two suites of every package: the turbo task and the name of its report. */
export const SUITES = { test: "pure", "test:servers": "servers" };

/** Makes the listed servers available and tells the tests which ones are there. Answers what provideServers does. */
export async function prepareServers() {
  const servers = await provideServers(Object.keys(listedServers()), (line) => console.log(`servers: ${line}`));
  const ready = servers.filter((server) => server.ready);
  // Part of the tasks' hash: where a server is missing, results of a machine that has it are not taken for this one's.
  process.env["LARDER_SERVERS"] = ready.map((server) => server.name).join(",");
  return servers;
}

/** Packages at once. Two fill two cores; one alone would leave them idle wherever its tests wait for a server. */
const CONCURRENCY = 2;
const RUNS = ".turbo/runs";

/** Runs one of the tasks in every package that has it, or in those that `args` choose, and answers per package what came of it. */
export async function runTurboTests(task, args) {
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
  const { code } = await runForeground(process.execPath, [...turbo, `--concurrency=${CONCURRENCY}`, ...args]);
  const summary = readSummary();
  if (summary === undefined)
    return [{ name: `turbo run ${task}`, problem: `ended with ${code} before it ran anything` }];
  const tasks = summary.tasks.filter((entry) => entry.task === task && entry.command !== "<NONEXISTENT>");
  return tasks.map((entry) => readOutcome(entry, SUITES[task]));
}

function readSummary() {
  try {
    const [name] = readdirSync(RUNS);
    return name === undefined ? undefined : JSON.parse(readFileSync(`${RUNS}/${name}`, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
