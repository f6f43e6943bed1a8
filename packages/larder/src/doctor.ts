import type { Definitions, FeatureView } from "@larder/schema";
import { type Clock, isLarderError, type LarderError } from "@larder/schema";
import {
  type DefinitionsPlan,
  inspectOnlineStore,
  type OnlineStore,
  openOnlineStore,
  planDefinitions,
} from "@larder/store-core";
import { freshnessWarnings, viewStatuses } from "./view-status.ts";

/** What one check found. */
export interface Finding {
  /** What was looked at: `online store`, `model churn`. */
  readonly check: string;
  /** `warning`: it works, and should be otherwise. `problem`: something of it does not work. */
  readonly state: "ok" | "warning" | "problem";
  /** The fact, without a final stop. */
  readonly what: string;
  /** Empty when there is nothing to do. */
  readonly remedy: string;
  /** The error's code, where an error was met. */
  readonly code?: string;
}

/**
 * Looks at everything that the definitions need: store and its settings, applied definitions, freshness, offline engine, sources of every tenant, models. All
 * findings are listed; none of them stops the others. Nothing is written but what opening the store writes.
 */
export async function examine(
  definitions: Definitions,
  { clock }: { readonly clock: Clock },
): Promise<readonly Finding[]> {
  const notices = definitions.notices.map(({ place, field, what }) =>
    warning("definitions", `${place}: ${field} ${what}`, "Remove it, or leave it as it is"),
  );
  return [
    ok(
      "definitions",
      `project ${definitions.project}, ${definitions.views.size} feature ${definitions.views.size === 1 ? "view" : "views"}`,
    ),
    ...notices,
    ...(await examineStore(definitions, clock)),
    ...(await examineOffline(definitions)),
    ...(await examineModels(definitions)),
  ];
}

async function examineStore(definitions: Definitions, clock: Clock): Promise<readonly Finding[]> {
  const check = `online store (${definitions.onlineStore.type})`;
  try {
    await using store = await openOnlineStore(definitions, { clock });
    const started = performance.now();
    await store.ping({ tenant: "default" });
    const took = (performance.now() - started).toFixed(1);
    const plan = await attempt("applied definitions", async () => [
      appliedFinding(await planDefinitions({ definitions, store }, { tenant: "default" })),
    ]);
    const advice = await attempt(check, async () =>
      (await inspectOnlineStore(definitions)).map(({ severity, what, remedy, config }) => ({
        check,
        state: severity,
        what,
        remedy: config === undefined ? remedy : `${remedy} (${config})`,
      })),
    );
    const durable = store.capabilities.durable
      ? []
      : [warning(check, "its rows end with the process", "Set online_store.type to sqlite or redis to keep them")];
    const fresh = await examineFreshness(definitions, store, clock);
    return [ok(check, `answers in ${took} ms`), ...durable, ...advice, ...plan, ...fresh];
  } catch (error) {
    return [problem(check, error)];
  }
}

function appliedFinding({ state, changes }: DefinitionsPlan): Finding {
  const check = "applied definitions";
  if (state === "never") return warning(check, "nothing was ever applied", "Run `larder apply`");
  if (changes.length === 0) return ok(check, "are these");
  const breaking = changes.filter(({ kind }) => kind === "breaking").length;
  const what = `${state === "older" ? "are newer and " : ""}differ in ${changes.length} ${changes.length === 1 ? "place" : "places"}, ${breaking === 0 ? "none" : breaking} of them breaking`;
  return warning(check, what, "Look at `larder plan`, then `larder apply`, or use the applied ones");
}

/** A finding per view that states an objective. */
async function examineFreshness(
  definitions: Definitions,
  store: OnlineStore,
  clock: Clock,
): Promise<readonly Finding[]> {
  const views = [...definitions.views.values()].filter(({ freshness }) => freshness !== undefined);
  const findings = views.map((view) =>
    attempt(`freshness of ${view.name}`, async () => {
      const late = freshnessWarnings(await viewStatuses({ definitions, store, clock }, { view: view.name }));
      const check = `freshness of ${view.name}`;
      if (late.length === 0) return [ok(check, "no tenant's rows are late")];
      return late.map((what) => warning(check, what, LATE_REMEDY));
    }),
  );
  return (await Promise.all(findings)).flat();
}

const LATE_REMEDY =
  "Run `larder materialize-incremental`, look at whoever writes the rows, or raise freshness of the view";

async function examineOffline(definitions: Definitions): Promise<readonly Finding[]> {
  const views = [...definitions.views.values()].filter(({ source }) => source !== undefined);
  if (views.length === 0) return [];
  const { offlineStore } = definitions;
  if (offlineStore.type === "spark") {
    return attempt("offline engine", async () => {
      const { openSpark } = await import("@larder/training-features");
      await using spark = await openSpark(offlineStore.remote);
      return [ok("offline engine", `Spark ${spark.version} answers`)];
    });
  }
  const { openDuckDb } = await import("@larder/training-features");
  const engine = await attempt("offline engine", async () => {
    await (await openDuckDb()).close();
    return [ok("offline engine", "DuckDB loads")];
  });
  const sources = await Promise.all(views.map((view) => examineSource(definitions, view)));
  return [...engine, ...sources.flat()];
}

/** Whose files a source has to have: every tenant's where its path tells them apart, else one look for all. */
async function examineSource(definitions: Definitions, view: FeatureView): Promise<readonly Finding[]> {
  const { fingerprintSource } = await import("@larder/training-features");
  const perTenant = view.source?.path.includes("{tenant}") === true;
  const tenants = perTenant ? [...definitions.tenants.keys()] : ["default"];
  const found = tenants.map((tenant) => {
    const check = `source of ${view.name}${perTenant ? ` for tenant ${tenant}` : ""}`;
    return attempt(check, async () => {
      await fingerprintSource(definitions, view, tenant);
      return [ok(check, "has files")];
    });
  });
  return (await Promise.all(found)).flat();
}

async function examineModels(definitions: Definitions): Promise<readonly Finding[]> {
  if (definitions.models.size === 0) return [];
  const { loadModels } = await import("@larder/serving");
  const findings: Finding[] = [];
  for (const [name, model] of definitions.models) {
    const check = `model ${name}`;
    const loaded = await attempt(check, async () => {
      await (await loadModels({ ...definitions, models: new Map([[name, model]]) })).close();
      return [ok(check, "loads, and its inputs and output fit")];
    });
    findings.push(...loaded);
  }
  return findings;
}

/** A check that fails is a finding. */
async function attempt(check: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [problem(check, error)];
  }
}

function ok(check: string, what: string): Finding {
  return { check, state: "ok", what, remedy: "" };
}

function warning(check: string, what: string, remedy: string): Finding {
  return { check, state: "warning", what, remedy };
}

/** @throws what is no LarderError: a fault of the program is no finding about the surroundings */
function problem(check: string, error: unknown): Finding {
  if (!isLarderError(error)) throw error;
  return { check, state: "problem", what: whatOf(error), remedy: error.remedy, code: error.code };
}

function whatOf({ what, problems }: LarderError): string {
  return [what, ...problems.map((each) => `${each.field || each.place} ${each.what}`)].join("; ");
}
