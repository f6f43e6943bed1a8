// Larder beside its peers: `npm run bench:peers`. One machine, one Redis, one generator, the same customers; servers on one core, Redis and the
// generator on the other. Writes the tables into BENCHMARKS.md and README.md, all figures into results/peers-<fingerprint>.json. With LARDER_BENCH=quick
// it only shows that all of it works: copies of these files go to reports/, where nobody takes them for results.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { startRedis, temporaryFolder } from "@larder/testkit";
import { betweenMarkers } from "./between-markers.ts";
import { prepareData } from "./data.ts";
import { percentile, type Sample } from "./measure.ts";
import { peersOn } from "./peers.ts";
import { essenceOf, tablesOf } from "./report.ts";
import { settingsOf } from "./settings.ts";
import { describeSetup } from "./setup.ts";
import { measureSideBySide } from "./side-by-side.ts";

const PACKAGE = join(import.meta.dirname, "..", "..");
const ROOT = join(PACKAGE, "..", "..");
const OTHER_CORE = "1";
/** Of util-linux. */
const TASKSET = "taskset";

const PERCENTILES = [0, 10, 25, 50, 75, 90, 95, 99, 99.9, 100];

const started = performance.now();
const print = (line: string) =>
  console.log(`${String(Math.round((performance.now() - started) / 1000)).padStart(5)} s  ${line}`);
const settings = settingsOf(process.env);
if (availableParallelism() < 2)
  throw new Error("Two cores are needed: one for the servers, one for Redis and the load");
// All threads of this process, and Redis, which it starts. Servers are put on the other one.
execFileSync(TASKSET, ["-apc", OTHER_CORE, String(process.pid)], { stdio: "ignore" });

await using stack = new AsyncDisposableStack();
const stop = (signal: NodeJS.Signals) => {
  console.error(`${signal}: ending the servers`);
  void stack.disposeAsync().finally(() => process.exit(signal === "SIGINT" ? 130 : 143));
};
process.once("SIGINT", stop).once("SIGTERM", stop);

const load = loadavg()[0] ?? 0;
const folder = stack.use(await temporaryFolder());
const redis = stack.use(await startRedis());
print("filling Redis");
const data = await prepareData(folder.path, redis);
const setup = await describeSetup(redis.port);
const figures = await measureSideBySide(peersOn(data, redis.port), redis, settings, stack, print);

const tables = `${tablesOf(figures, setup, settings)}\n\nLoad average when it began: ${load.toFixed(1)}.`;
console.log(`\n${tables}\n`);
const out = settings.quick ? join(PACKAGE, "reports") : ROOT;
const results = settings.quick ? out : join(PACKAGE, "results");
mkdirSync(results, { recursive: true });
const raw = join(results, `peers-${settings.quick ? "quick" : setup.fingerprint}.json`);
writeFileSync(
  raw,
  `${JSON.stringify({ command: "npm run bench:peers", ...setup, settings, load, figures: summarized() })}\n`,
);
for (const [file, content] of [
  ["BENCHMARKS.md", tables],
  ["README.md", essenceOf(figures, settings)],
] as const) {
  writeFileSync(join(out, file), betweenMarkers(readFileSync(join(ROOT, file), "utf8"), "peers", content));
}
print(`${raw} and the tables are written`);

/** Of the times of each while, what of them is at most so many milliseconds: all of them would make megabytes. */
function summarized() {
  const thinned = ({ times, ...rest }: Sample) => ({
    ...rest,
    answered: times.length,
    percentiles: Object.fromEntries(
      PERCENTILES.map((percent) => [percent, Math.round(percentile(times, percent / 100) * 1000) / 1000]),
    ),
  });
  const jobs = figures.jobs.map((job) => ({ ...job, tries: job.tries.map(thinned), fixed: job.fixed.map(thinned) }));
  return { ...figures, jobs };
}
