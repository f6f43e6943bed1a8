import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LarderError } from "@larder/schema";
import { differences, type Machine } from "../machine.ts";
import type { Series } from "./verdict.ts";

/** Figures of one bench on one machine, kept in the repository. */
export interface Baseline {
  readonly format: 1;
  readonly bench: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly series: readonly Series[];
}

/** Where baselines are kept. */
const BASELINES = join(import.meta.dirname, "..", "..", "baselines");

/** Writes it to <folder>/<bench>.json and answers the path. */
export async function saveBaseline(baseline: Baseline, folder = BASELINES): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${baseline.bench}.json`);
  await writeFile(file, `${JSON.stringify(baseline, undefined, 2)}\n`);
  return file;
}

/**
 * The baseline of a bench, to be compared with what this machine does.
 * @throws SOURCE_NOT_FOUND where there is none, SOURCE_UNREADABLE for a file of another format, MACHINE_MISMATCH where another machine made it
 */
export async function loadBaseline(bench: string, here: Machine, folder = BASELINES): Promise<Baseline> {
  const file = join(folder, `${bench}.json`);
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new LarderError("SOURCE_NOT_FOUND", {
      what: `There is no baseline of ${bench}`,
      remedy: `Make one: pnpm bench:regression -- --bench ${bench} --save`,
      facts: { bench },
      cause,
    });
  });
  const baseline = parsed(text, file);
  const different = differences(baseline.machine, here);
  if (different.length === 0) return baseline;
  throw new LarderError("MACHINE_MISMATCH", {
    what: `The baseline of ${bench} is of another machine (${different.join("; ")}), so that a difference would tell nothing of the code`,
    remedy: "Compare two commits here, with --base and --head, or make a baseline of this machine with --save",
    facts: { bench, differences: different },
  });
}

function parsed(text: string, file: string): Baseline {
  try {
    const value = JSON.parse(text) as Baseline;
    if (value.format === 1 && Array.isArray(value.series)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new LarderError("SOURCE_UNREADABLE", {
    what: `${file} is no baseline of format 1`,
    remedy: "Make it anew with --save",
    facts: { file },
  });
}
