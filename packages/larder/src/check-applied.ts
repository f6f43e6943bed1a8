import { LarderError } from "@larder/schema";
import { type DefinitionsParts, type DefinitionsPlan, planDefinitions } from "@larder/store-core";

/** Looking at the applied definitions is one small read. Milliseconds. */
const DEADLINE_MS = 10_000;

/**
 * Compares the definitions of this process with the applied ones, before it works with them, and answers what to warn of; undefined when there is
 * nothing to say: nothing was ever applied, they are equal, or only words differ.
 *
 * The rule for `refuseBreaking`: a process does not run definitions that would break the applied ones, whichever of the two are newer. Definitions
 * that only lack what was added since, or add what is not applied yet, run with a warning.
 * @throws DEFINITIONS_INCOMPATIBLE with `refuseBreaking`, naming every breaking difference; STORE_CORRUPT, STORE_FORMAT_NEWER
 */
export async function checkApplied(
  parts: DefinitionsParts,
  { refuseBreaking, signal }: { readonly refuseBreaking: boolean; readonly signal?: AbortSignal | undefined },
): Promise<string | undefined> {
  const deadline = performance.now() + DEADLINE_MS;
  const call = { tenant: "default", deadline, ...(signal === undefined ? {} : { signal }) };
  const plan = await planDefinitions(parts, call);
  if (plan.state === "never" || plan.state === "same") return undefined;
  const breaking = plan.changes.filter(({ kind }) => kind === "breaking");
  if (breaking.length > 0 && refuseBreaking) throw incompatible(plan, breaking);
  return `${relation(plan)} in ${counted(plan.changes.length, "place")}, ${breaking.length === 0 ? "none" : breaking.length} of them breaking; see \`larder plan\``;
}

function incompatible(plan: DefinitionsPlan, breaking: DefinitionsPlan["changes"]): LarderError {
  const remedy =
    plan.state === "older"
      ? "Deploy the definitions that are applied, or go back to these with `larder apply --yes`"
      : "Apply these first with `larder apply --yes`, or deploy the definitions that are applied";
  return new LarderError("DEFINITIONS_INCOMPATIBLE", {
    what: `${relation(plan)} by ${counted(breaking.length, "breaking change")}`,
    remedy,
    facts: { hash: plan.hash, applied: plan.applied?.hash, older: plan.state === "older" },
    problems: breaking.map(({ path, what, remedy: each }) => ({ place: path, field: "", what, remedy: each })),
  });
}

function relation({ state }: DefinitionsPlan): string {
  return state === "older"
    ? "These definitions are older than the applied ones, and differ"
    : "These definitions were never applied, and differ from the applied ones";
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
