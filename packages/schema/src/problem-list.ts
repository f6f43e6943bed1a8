import type { Place } from "./definitions.ts";
import { LarderError, type Problem } from "./errors.ts";
import type { Fault } from "./fault.ts";

/** Where something stands: in its file, and on the path of keys from that file's top. */
export interface At {
  readonly place: Place;
  readonly field: string;
}

/** Most problems that a message lists; the error keeps as many. */
const MAX_LISTED = 100;

/** Gathers what is wrong with a configuration, so that all of it is reported at once. */
export class ProblemList {
  readonly #problems = new Map<string, Problem>();

  get size(): number {
    return this.#problems.size;
  }

  add(at: At, what: string, remedy: string): void {
    const problem: Problem = { place: at.place, field: at.field, what, remedy };
    // An alias brings the same text to several places; one report is enough.
    this.#problems.set(JSON.stringify(problem), problem);
  }

  addFault(at: At, fault: Fault): void {
    this.add(at, fault.what, fault.remedy);
  }

  /** CONFIG_INVALID, with one line per problem: `file:line:col: path: what: remedy`, in the order of the files. */
  toError(file: string): LarderError {
    const all = sortByPlace(file, [...this.#problems.values()]);
    const problems = all.slice(0, MAX_LISTED);
    const lines = problems.map(({ place, field, what, remedy }) => `${place}: ${field}: ${what}: ${remedy}`);
    const more = all.length - problems.length;
    const what = `${file} has ${all.length} ${all.length === 1 ? "problem" : "problems"}`;
    const rest = more > 0 ? [`… and ${more} more`] : [];
    return new LarderError("CONFIG_INVALID", {
      what,
      remedy: problems.length === 1 ? problems[0]!.remedy : "Correct the places listed in its problems",
      message: [`${what}:`, ...lines, ...rest].join("\n"),
      facts: { file, problems: all.length },
      problems,
    });
  }
}

/** The main file first, then the others as they came up. */
function sortByPlace(main: string, problems: Problem[]): Problem[] {
  const files = new Map([[main, 0]]);
  const keyed = problems.map((problem) => {
    const [, file = "", line = "0", column = "0"] = /^(.*):(\d+):(\d+)$/s.exec(problem.place) ?? [];
    const index = files.get(file) ?? files.size;
    files.set(file, index);
    return { problem, key: [index, Number(line), Number(column)] as const };
  });
  keyed.sort((a, b) => a.key[0] - b.key[0] || a.key[1] - b.key[1] || a.key[2] - b.key[2]);
  return keyed.map(({ problem }) => problem);
}
