import {
  type Clock,
  compareDefinitions,
  DESCRIPTION_FORMAT,
  type DefinitionChange,
  type Definitions,
  type DefinitionsDescription,
  describeDefinitions,
  isDescription,
  isLarderError,
  LarderError,
} from "@larder/schema";
import type { Call } from "./call.ts";
import type { OnlineStore } from "./online-store.ts";

/** What a comparison works with. */
export interface DefinitionsParts {
  readonly definitions: Definitions;
  readonly store: Pick<OnlineStore, "getMeta">;
}

/** What an apply works with. */
export interface ApplyParts {
  readonly definitions: Definitions;
  readonly store: Pick<OnlineStore, "getMeta" | "putMeta" | "capabilities">;
  readonly clock: Clock;
}

/** Definitions beside those that were applied last. */
export interface DefinitionsPlan {
  readonly project: string;
  /** `never`: nothing was ever applied. `same`: equal. `older`: these were applied once and others since. `different`: these were never applied. */
  readonly state: "never" | "same" | "older" | "different";
  /** The applied ones: hash, and when they were applied (microseconds). */
  readonly applied: AppliedAt | undefined;
  /** Hash of the definitions at hand. */
  readonly hash: string;
  /** From the applied ones to these, the gravest first; empty when nothing was ever applied. */
  readonly changes: readonly DefinitionChange[];
}

/** Which definitions, and when. */
export interface AppliedAt {
  readonly hash: string;
  readonly at: number;
}

/** Name of the meta blob, in the scope of the project. */
const META_NAME = "definitions";

/** Earlier states that are remembered, so that a process can be told that its own are older ones. */
const MAX_HISTORY = 50;

/** Compares definitions with the applied ones. @throws STORE_CORRUPT, STORE_FORMAT_NEWER, and what reading the store throws */
export async function planDefinitions({ definitions, store }: DefinitionsParts, call: Call): Promise<DefinitionsPlan> {
  const found = await store.getMeta({ project: definitions.project }, META_NAME, call);
  return planOf(definitions, found === undefined ? undefined : decodeApplied(found.bytes, definitions.project));
}

/**
 * Records definitions as the applied ones, and answers what that changed. Equal ones are not recorded again.
 * @throws CONFIRMATION_REQUIRED for breaking changes that are not `confirmed`; STORE_CONFLICT when somebody else applied meanwhile; STORE_CORRUPT for
 * a record that cannot be read, which `confirmed` replaces; UNSUPPORTED for a store that keeps nothing
 */
export async function applyDefinitions(
  { definitions, store, clock }: ApplyParts,
  { confirmed }: { readonly confirmed: boolean },
  call: Call,
): Promise<DefinitionsPlan> {
  if (!store.capabilities.durable) throw notDurable();
  const scope = { project: definitions.project };
  const found = await store.getMeta(scope, META_NAME, call);
  const applied = found === undefined ? undefined : replaceable(found.bytes, definitions.project, confirmed);
  const plan = planOf(definitions, applied);
  if (plan.state === "same" && plan.changes.length === 0) return plan;
  const breaking = plan.changes.filter(({ kind }) => kind === "breaking");
  if (breaking.length > 0 && !confirmed) throw confirmationRequired(breaking);
  const before = applied === undefined ? [] : [{ hash: applied.description.hash, at: applied.at }, ...applied.history];
  const next: Applied = {
    description: describeDefinitions(definitions),
    at: clock.now(),
    history: before.slice(0, MAX_HISTORY),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(next));
  const written = await store.putMeta(scope, META_NAME, bytes, found?.revision, call);
  if (written === undefined) throw conflict(definitions.project);
  return plan;
}

/** The stored form: what is applied, since when, and what was before, the newest first. */
interface Applied {
  readonly description: DefinitionsDescription;
  readonly at: number;
  readonly history: readonly AppliedAt[];
}

function planOf(definitions: Definitions, applied: Applied | undefined): DefinitionsPlan {
  const { project, hash } = definitions;
  if (applied === undefined) return { project, state: "never", applied: undefined, hash, changes: [] };
  const { description, at, history } = applied;
  const older = history.some((one) => one.hash === hash);
  return {
    project,
    state: description.hash === hash ? "same" : older ? "older" : "different",
    applied: { hash: description.hash, at },
    hash,
    changes: compareDefinitions(description, describeDefinitions(definitions)),
  };
}

/** What is to be replaced; a record that nobody can read is replaced as if there were none, if that is confirmed. */
function replaceable(bytes: Uint8Array, project: string, confirmed: boolean): Applied | undefined {
  try {
    return decodeApplied(bytes, project);
  } catch (error) {
    if (confirmed && isLarderError(error, "STORE_CORRUPT")) return undefined;
    throw error;
  }
}

function decodeApplied(bytes: Uint8Array, project: string): Applied {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corrupt(project, cause);
  }
  if (isApplied(value)) return value;
  const format = Reflect.get(Object(Reflect.get(Object(value), "description")), "format");
  if (typeof format !== "number" || format <= DESCRIPTION_FORMAT) throw corrupt(project, undefined);
  throw new LarderError("STORE_FORMAT_NEWER", {
    what: `The definitions applied to project "${project}" have format ${format}, this Larder knows ${DESCRIPTION_FORMAT}`,
    remedy: "Upgrade Larder",
    facts: { format },
  });
}

function isApplied(value: unknown): value is Applied {
  if (typeof value !== "object" || value === null) return false;
  const { description, at, history } = value as Partial<Record<keyof Applied, unknown>>;
  return isDescription(description) && Number.isSafeInteger(at) && Array.isArray(history) && history.every(isAppliedAt);
}

function isAppliedAt(value: unknown): value is AppliedAt {
  if (typeof value !== "object" || value === null) return false;
  const { hash, at } = value as Partial<Record<keyof AppliedAt, unknown>>;
  return typeof hash === "string" && Number.isSafeInteger(at);
}

function confirmationRequired(breaking: readonly DefinitionChange[]): LarderError {
  return new LarderError("CONFIRMATION_REQUIRED", {
    what: `${breaking.length} of the changes break${breaking.length === 1 ? "s" : ""} what is applied; nothing was recorded`,
    remedy: "Change the definitions, or run it again with --yes to apply them as they are",
    facts: { breaking: breaking.length },
    problems: breaking.map(({ path, what, remedy }) => ({ place: path, field: "", what, remedy })),
  });
}

function conflict(project: string): LarderError {
  return new LarderError("STORE_CONFLICT", {
    what: `Somebody else applied definitions to project "${project}" at the same time; these were not recorded`,
    remedy: "Look at `larder plan`, and apply again if they shall replace what is applied now",
    facts: { project },
  });
}

function corrupt(project: string, cause: unknown): LarderError {
  return new LarderError("STORE_CORRUPT", {
    what: `The applied definitions of project "${project}" in the online store cannot be read`,
    remedy: "Record the definitions again with `larder apply --yes`",
    facts: { project },
    cause,
  });
}

function notDurable(): LarderError {
  return new LarderError("UNSUPPORTED", {
    what: "Definitions cannot be applied to a store that ends with the process",
    remedy: "Set online_store.type to sqlite or redis",
    facts: { field: "online_store.type" },
  });
}
