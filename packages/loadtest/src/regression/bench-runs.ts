import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { LarderError } from "@larder/schema";
import { runProcess } from "@larder/testkit";
import { figuresOfReport } from "./figures-of-report.ts";
import type { SourceTree } from "./source-tree.ts";
import type { Series } from "./verdict.ts";

/** A bench of a package that writes reports/<report>.json. */
interface Bench {
  readonly folder: string;
  readonly program: string;
  readonly report: string;
}

/** The micro benches; `serving` is not among them, since two servers are compared under the same load at once. */
export const BENCHES: Readonly<Record<string, Bench>> = {
  "redis-read": bench("store-core", "redis-read"),
  "redis-write": bench("store-core", "redis-write"),
  "redis-layout": bench("store-core", "redis-layout"),
  "near-cache": bench("store-core", "near-cache"),
  signals: bench("store-core", "signals"),
  decode: bench("materializer", "decode"),
  materializer: bench("materializer", "materializer"),
  training: bench("training-features", "training"),
};

/** One bench may take so long. Milliseconds. */
const BENCH_MS = 900_000;

/** A bench that missed a goal of its own has measured all the same. */
const MISSED = 99;

/**
 * Runs a bench of each tree in turns, the first of one round last in the next, and answers every figure's value in each round, tree by tree. A fifth
 * of a bench's own rounds is enough, since it is run several times.
 * @throws REQUEST_FAILED with what a bench said that failed
 */
export async function benchInTurns(
  name: string,
  trees: readonly SourceTree[],
  rounds: number,
  tell: (text: string) => void,
): Promise<readonly (readonly Series[])[]> {
  const { folder, program, report } = BENCHES[name] as Bench;
  const found = trees.map(() => new Map<string, Series & { readonly values: number[] }>());
  for (let round = 0; round < rounds; round++) {
    const order = [...trees.entries()];
    for (const [at, tree] of round % 2 === 0 ? order : order.toReversed()) {
      tell(`${name}: round ${round + 1} of ${rounds}, ${tree.name}`);
      const cwd = join(tree.folder, "packages", folder);
      const file = join(cwd, "reports", `${report}.json`);
      await rm(file, { force: true });
      await run(name, tree, cwd, program);
      for (const { name: figure, better, value } of figuresOfReport(JSON.parse(await readFile(file, "utf8")))) {
        const series = found[at]?.get(figure) ?? { name: figure, better, values: [] };
        series.values.push(value);
        found[at]?.set(figure, series);
      }
    }
  }
  // A figure that a round lacks is none to compare.
  return found.map((series) => [...series.values()].filter(({ values }) => values.length === rounds));
}

async function run(name: string, tree: SourceTree, cwd: string, program: string): Promise<void> {
  const args = ["--conditions=@larder/source", program];
  const { code, stderr } = await runProcess(process.execPath, args, {
    cwd,
    env: { LARDER_BENCH: "quick" },
    ms: BENCH_MS,
  });
  if (code === 0 || code === MISSED) return;
  throw new LarderError("REQUEST_FAILED", {
    what: `The bench ${name} of ${tree.name} ended with ${code}: ${stderr.trim().slice(-400)}`,
    remedy: `Run it alone: node ${args.join(" ")} in packages/${BENCHES[name]?.folder}`,
  });
}

function bench(folder: string, name: string): Bench {
  return { folder, program: `bench/${name}.bench.ts`, report: name };
}
