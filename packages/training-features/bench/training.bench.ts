// Training sets beside a bare DuckDB ASOF join on the same Parquet, and beside Feast's own DuckDB store where its SDK is in the cache
// (`node scripts/servers/install.mjs feast`): `npm run bench:training`; figures go to reports/training.json. Each plan runs in a process of its own in each
// round, in turn, so that its peak memory is its own. LARDER_BENCH=quick takes a tenth of the rows; LARDER_BENCH=large is the run of 100M feature rows
// in 4 GB of memory, which takes some 6 GB of disk.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { judge, printTable, writeReport } from "@larder/testkit/bench";
import { feastPython } from "./training/feast.ts";
import { machineLine } from "./training/machine-line.ts";
import { type PlanName, type PlanRun, runPlan } from "./training/plans.ts";
import { generate, type Size } from "./training/tables.ts";

/** Shares of the bare join's rate; a multiple of Feast's rate; bytes of memory for the large run. */
const GOALS = { event_time: 0.6, bitemporal: 0.4, feast: 10, largeBytes: 4e9 };
/** DuckDB's resident size goes up to a third over its limit. */
const LARGE_LIMIT_BYTES = 0.7 * GOALS.largeBytes;

const MODE = process.env["LARDER_BENCH"] ?? "";
const MILLION = 1_000_000;
const USUAL: Size =
  MODE === "quick"
    ? { entityRows: MILLION / 10, rows: MILLION, keys: 10_000, views: 3 }
    : { entityRows: MILLION, rows: 10 * MILLION, keys: 100_000, views: 3 };
const WITH_FEAST: Size = { entityRows: MILLION / 10, rows: MILLION, keys: 10_000, views: 1 };
const LARGE: Size = { entityRows: MILLION, rows: 100 * MILLION, keys: MILLION, views: 1 };
const ROUNDS = MODE === "quick" ? 2 : 3;

interface Figure extends PlanRun {
  readonly plan: PlanName;
  readonly size: string;
  readonly rowsPerSecond: number;
}

const folder = mkdtempSync(join(tmpdir(), "larder-bench-"));
try {
  console.log(`\n${machineLine()}\n`);
  if (MODE === "large") await large();
  else await usual();
} finally {
  rmSync(folder, { recursive: true });
}

async function usual(): Promise<void> {
  await generate(folder, "usual", USUAL);
  const plans = ["bare", "bare_exact", "event_time", "bitemporal"] as const;
  const figures: Figure[] = [];
  for (const views of [1, USUAL.views]) figures.push(...(await measure("usual", { ...USUAL, views }, plans)));
  const shares = figures
    .filter(({ plan }) => plan === "event_time" || plan === "bitemporal")
    .map((figure) => {
      const bare = figures.find(({ plan, size }) => plan === "bare" && size === figure.size) as Figure;
      const { plan, size } = figure;
      return { plan, size, rate: bare.seconds / figure.seconds, cpu: bare.cpuSeconds / figure.cpuSeconds };
    });
  printTable(
    ["Larder, as a share of the bare join", "rows/s", "rows per second of CPU"],
    shares.map(({ plan, size, rate, cpu }) => [`${plan}: ${size}`, rate, cpu]),
  );
  const goals = shares.map(({ plan, size, rate }) => {
    const wanted = GOALS[plan as "event_time" | "bitemporal"];
    return {
      goal: `${plan}: ${size}: share of the bare join's rows/s`,
      measured: rate,
      wanted: `at least ${wanted}`,
      met: rate >= wanted,
    };
  });
  const python = await feastPython();
  if (python.path === undefined) console.log(`Feast's own DuckDB store was left out: ${python.reason}\n`);
  else {
    await generate(folder, "feast", WITH_FEAST);
    const beside = await measure("feast", WITH_FEAST, ["event_time", "feast"], python.path);
    figures.push(...beside);
    const [larder, feast] = beside as [Figure, Figure];
    const multiple = feast.seconds / larder.seconds;
    const wanted = `at least ${GOALS.feast}`;
    goals.push({
      goal: "event_time: multiple of Feast's rows/s",
      measured: multiple,
      wanted,
      met: multiple >= GOALS.feast,
    });
  }
  judge(goals);
  writeReport(import.meta.dirname, "training", { machine: machineLine(), figures, shares, goals });
}

async function large(): Promise<void> {
  await generate(folder, "large", LARGE);
  const plans = ["event_time", "bitemporal"] as const;
  const figures = await measure("large", LARGE, plans, undefined, LARGE_LIMIT_BYTES);
  const goals = figures.map(({ plan, peakBytes }) => ({
    goal: `${plan}: peak memory with ${LARGE.rows / MILLION}M feature rows, GB`,
    measured: peakBytes / 1e9,
    wanted: `at most ${GOALS.largeBytes / 1e9}`,
    met: peakBytes <= GOALS.largeBytes,
  }));
  judge(goals);
  writeReport(import.meta.dirname, "training-large", { machine: machineLine(), figures, goals });
}

/** Runs the plans in turn, prints the best of the rounds of each and the worst peak memory, and compares what they found. */
async function measure(
  name: string,
  size: Size,
  plans: readonly PlanName[],
  python?: string,
  memoryLimitBytes?: number,
): Promise<Figure[]> {
  const title = `${size.entityRows} entity rows x ${size.views} view(s) of ${size.rows} rows`;
  const rounds = name === "large" ? 1 : ROUNDS;
  const runs = new Map<PlanName, PlanRun[]>(plans.map((plan) => [plan, []]));
  for (let round = 0; round < rounds; round++) {
    for (const plan of round % 2 === 0 ? plans : plans.toReversed()) {
      const run = await runPlan({ plan, folder: join(folder, name), views: size.views, python, memoryLimitBytes });
      runs.get(plan)?.push(run);
    }
  }
  const figures = [...runs].map(([plan, of]) => {
    const [first] = of as [PlanRun, ...PlanRun[]];
    const least = (key: "seconds" | "cpuSeconds") => Math.min(...of.map((run) => run[key]));
    const best = { ...first, seconds: least("seconds"), cpuSeconds: least("cpuSeconds") };
    const peakBytes = Math.max(...of.map((run) => run.peakBytes));
    return { ...best, plan, peakBytes, size: title, rowsPerSecond: size.entityRows / best.seconds };
  });
  checkValues(figures);
  console.log(`${title}, ${size.keys} keys, 10 float32 features a view, TTL 7 days: the best of ${rounds} round(s)\n`);
  printTable(
    ["plan", "seconds", "entity rows/s", "CPU seconds", "peak memory, MB"],
    figures.map((figure) => [
      figure.plan,
      figure.seconds,
      figure.rowsPerSecond,
      figure.cpuSeconds,
      figure.peakBytes / 1e6,
    ]),
  );
  return figures;
}

/** Plans of the event-time rule with a tie-break find the same values. */
function checkValues(figures: readonly Figure[]): void {
  const same = figures.filter(({ plan }) => ["bare_exact", "event_time", "feast"].includes(plan));
  for (const { plan, found } of same) {
    if (found === same[0]?.found) continue;
    throw new Error(
      `${plan} found ${found}, where ${same[0]?.plan} found ${same[0]?.found}: the plans are not comparable`,
    );
  }
}
