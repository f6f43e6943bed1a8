// `pnpm bench:regression -- --base REF|FOLDER [--head REF|FOLDER] [--bench NAME]`: is the head slower than the base? Exits 99 where it is.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { exitCodeOf, isLarderError, LarderError } from "@larder/schema";
import { redisCommand, startRedis } from "@larder/testkit";
import { type Machine, thisMachine } from "../machine.ts";
import { loadBaseline, saveBaseline } from "./baseline.ts";
import { BENCHES, benchInTurns } from "./bench-runs.ts";
import { LEAST_ROUNDS } from "./ratio-interval.ts";
import { reportText } from "./report.ts";
import { servingInTurns } from "./serving-runs.ts";
import { commitOf, openSourceTree, REPOSITORY, type SourceTree } from "./source-tree.ts";
import { confirmed, isRegression, type Judged, judgeSeries, type Series } from "./verdict.ts";

/** By these a figure that is 20 % worse is found where rounds differ by 5 to 10 %. */
const ROUNDS = { serving: 40, bench: 16 };

const HELP = `Compares the speed of two commits, or of this folder and its stored baseline, on this machine.

  pnpm bench:regression -- --base main                        this folder against main
  pnpm bench:regression -- --base v0.1.0 --head v0.2.0 --bench redis-read
  pnpm bench:regression -- --base ../larder-of-yesterday --rounds 20 --limit 5
  pnpm bench:regression -- --bench redis-read --save          store this folder's figures as the baseline
  pnpm bench:regression -- --bench redis-read --baseline      this folder against the baseline

  --base NAME      a commit, branch or tag, or the folder of a checkout
  --head NAME      the same; default: this folder
  --bench NAME     serving (default), ${Object.keys(BENCHES).join(", ")}
  --rounds N       turns of each, at least ${LEAST_ROUNDS}; default ${ROUNDS.serving} for serving, ${ROUNDS.bench} for others
  --limit PERCENT  how much worse is let pass; default 10
  --save           measure the head alone and keep its figures in packages/loadtest/baselines
  --baseline       compare the head with them; refused where another machine made them

Both are run in turns. A figure is a regression when its interval excludes 1 and it is worse by more than the limit, and
both again in a second measurement, which is made only then. Exits 99 then.
The figures go to reports/; the path is printed last.
`;

process.exitCode = await main().catch((error: unknown) => {
  if (!isLarderError(error)) throw error;
  process.stderr.write(`error ${error.code}: ${error.message}\n`);
  return exitCodeOf(error);
});

async function main(): Promise<number> {
  const asked = options();
  if (asked === undefined) return 0;
  const { base, head, bench, rounds, limit, save, baseline } = asked;
  const tell = (text: string) => process.stderr.write(`${text}\n`);
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const machine = thisMachine(await redisVersion(redis.port));
  const stored = baseline ? await loadBaseline(bench, machine) : undefined;
  const trees: SourceTree[] = [];
  for (const name of base === undefined ? [head] : [base, head]) trees.push(stack.use(await openSourceTree(name)));
  const measure = () =>
    bench === "serving" ? servingInTurns(trees, redis, rounds, tell) : benchInTurns(bench, trees, rounds, tell);
  const series = await measure();
  const own = series.at(-1) as readonly Series[];
  if (own.length === 0) throw nothingMeasured(bench);
  if (save) {
    const commit = await commitOf("HEAD");
    process.stdout.write(`${await saveBaseline({ format: 1, bench, commit, machine, series: own })}\n`);
    return 0;
  }
  const judge = (found: Awaited<ReturnType<typeof measure>>) =>
    judgeSeries(stored?.series ?? (found[0] as readonly Series[]), found.at(-1) as readonly Series[], {
      limit,
      paired: stored === undefined,
    });
  let judged = judge(series);
  if (judged.some(isRegression)) {
    tell("Something is worse: once more, by processes of their own");
    judged = confirmed(judged, judge(await measure()));
  }
  if (judged.length === 0) throw nothingMeasured(bench);
  const [from, to] = [stored === undefined ? trees[0]?.commit : `baseline of ${stored.commit}`, trees.at(-1)?.commit];
  process.stdout.write(reportText(judged, limit));
  process.stdout.write(`${writeReport({ bench, base: from, head: to, rounds, limit, machine, judged, series })}\n`);
  return judged.some(isRegression) ? 99 : 0;
}

function options() {
  const { values } = parsed();
  if (values.help) {
    process.stdout.write(HELP);
    return undefined;
  }
  const { base, head = REPOSITORY, bench, save, baseline } = values;
  if (bench !== "serving" && !Object.hasOwn(BENCHES, bench)) throw usage("bench", `--bench ${bench} is unknown`);
  const usual = bench === "serving" ? ROUNDS.serving : ROUNDS.bench;
  const rounds = number("rounds", values.rounds ?? String(usual), LEAST_ROUNDS, 1_000);
  const limit = number("limit", values.limit, 0, 1_000) / 100;
  const ways = [base !== undefined, save, baseline].filter(Boolean).length;
  if (ways !== 1) throw usage("base", "Not exactly one of --base, --save and --baseline is given");
  const from = process.env["INIT_CWD"] ?? process.cwd();
  return {
    base: base === undefined ? undefined : placeOf(from, base),
    head: placeOf(from, head),
    bench,
    rounds,
    limit,
    save,
    baseline,
  };
}

function parsed() {
  const args = process.argv.slice(2).filter((arg, at) => at > 0 || arg !== "--");
  try {
    return parseArgs({
      args,
      options: {
        base: { type: "string" },
        head: { type: "string" },
        bench: { type: "string", default: "serving" },
        rounds: { type: "string" },
        limit: { type: "string", default: "10" },
        save: { type: "boolean", default: false },
        baseline: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw usage("options", error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
  }
}

/** A path counts from where the user stood; anything else is a name of git's. */
function placeOf(from: string, name: string): string {
  return /^[./~]/.test(name) ? resolve(from, name) : name;
}

function number(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,4}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw usage(name, `--${name} is "${text}", not a number from ${least} to ${most}`);
}

function usage(field: string, what: string): LarderError {
  return new LarderError("USAGE", { what, remedy: "See pnpm bench:regression -- --help", facts: { field } });
}

function nothingMeasured(bench: string): LarderError {
  return new LarderError("SOURCE_MISMATCH", {
    what: `${bench} gave no figure that both have`,
    remedy: "Compare commits whose benches measure the same",
    facts: { bench },
  });
}

async function redisVersion(port: number): Promise<string> {
  return /redis_version:(\S+)/.exec(String(await redisCommand(port, "INFO", "server")))?.[1] ?? "";
}

function writeReport(report: {
  readonly bench: string;
  readonly machine: Machine;
  readonly judged: readonly Judged[];
  readonly [fact: string]: unknown;
}): string {
  const folder = join(REPOSITORY, "reports");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `regression-${report.bench}.json`);
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
  return file;
}
