import type { Definitions, FeatureRef, FeatureView } from "@larder/schema";
import type { ReadPlan } from "@larder/store-core";
import type { ReadSelection } from "../features/compiled-read.ts";
import { feastError, keyError, pythonError, pythonList } from "./feast-refusal.ts";
import { coercionOf } from "./python-values.ts";

/** Feast's name for the parts of a request. */
interface FeastSelection {
  readonly features?: readonly string[] | undefined;
  readonly feature_service?: string | undefined;
  readonly full_feature_names?: boolean | undefined;
}

/**
 * What a request of Feast's asks for, with `@latest` taken off references.
 * @throws FeastRefusal where Feast's server would not know what to read
 */
export function strictSelection(definitions: Definitions, asked: FeastSelection): ReadSelection {
  const { project, services } = definitions;
  const full_feature_names = asked.full_feature_names ?? false;
  if (asked.feature_service !== undefined && asked.feature_service !== "") {
    const name = asked.feature_service;
    const service = services.get(name);
    if (service === undefined) {
      const message = `Feature service ${name} does not exist in project ${project}`;
      throw feastError("UNKNOWN_SERVICE", 404, "FeatureServiceNotFoundException", message);
    }
    refuseCollisions(service.features.map(nameParts), full_feature_names);
    return { feature_service: name, full_feature_names };
  }
  const references = (asked.features ?? []).map(parseReference);
  if (references.length === 0) throw pythonError("No features specified for retrieval");
  for (const { view } of references) findStrictView(definitions, view);
  refuseCollisions(references, full_feature_names);
  for (const { view, feature } of references) {
    if (findStrictView(definitions, view).featureByName.has(feature)) continue;
    throw keyError(`Feature ${feature} not found in projection ${view}`, "UNKNOWN_FEATURE");
  }
  return { features: references.map(({ view, feature }) => `${view}:${feature}`), full_feature_names };
}

/**
 * Entity columns with the values that Feast makes of them.
 * @throws FeastRefusal for values that Feast cannot take, columns of different lengths, and views without any of their join keys
 */
export function strictEntities(
  definitions: Definitions,
  plan: ReadPlan,
  columns: Readonly<Record<string, unknown[]>>,
): Record<string, unknown[]> {
  const types = new Map(plan.joinKeys.map(({ name, type }) => [name, type]));
  const entities = Object.fromEntries(
    Object.entries(columns).map(([name, values]) => {
      const type = types.get(name);
      const coerce = type === undefined ? undefined : coercionOf(type);
      return [name, coerce === undefined ? values : values.map((value) => (value === null ? null : coerce(value)))];
    }),
  );
  const lengths = new Set(Object.values(entities).map(({ length }) => length));
  if (lengths.size > 1) throw pythonError("All entity rows must have the same columns.");
  if (lengths.size === 0) throw keyError("pop from an empty set");
  refuseMissing(definitions, plan, entities);
  for (const name of types.keys()) {
    if (entities[name]?.includes(null) === true) throw pythonError("attribute name must be string, not 'NoneType'");
  }
  return entities;
}

/** @throws FeastRefusal, as Feast's registry does for a name that it does not have */
export function findStrictView({ project, views }: Definitions, name: string): FeatureView {
  const view = views.get(name);
  if (view !== undefined) return view;
  const message = `Feature view ${name} does not exist in project ${project}`;
  throw feastError("UNKNOWN_VIEW", 404, "FeatureViewNotFoundException", message);
}

interface Reference {
  readonly view: string;
  readonly feature: string;
}

function parseReference(reference: string): Reference {
  const colon = reference.indexOf(":");
  if (colon < 0) {
    const form = "'<feature_view>:<feature>' or '<feature_view>@<version>:<feature>'";
    throw pythonError(`Invalid feature reference '${reference}'. Expected format: ${form}`);
  }
  const feature = reference.slice(colon + 1);
  const versioned = reference.slice(0, colon);
  const [, view = "", version = ""] = /^([^@]*)@(.*)$/s.exec(versioned) ?? [];
  if (!versioned.includes("@")) return { view: versioned, feature };
  if (version === "" || version.toLowerCase() === "latest") return { view, feature };
  const number = /^v(\d+)$/i.exec(version)?.[1];
  if (number === undefined) return { view: versioned, feature };
  throw pythonError(
    `Version-qualified ref '${view}@v${BigInt(number)}' not supported: online versioning is disabled. ` +
      "Set 'enable_online_feature_view_versioning: true' under 'registry' in feature_store.yaml.",
    "UNKNOWN_VIEW",
  );
}

function nameParts({ viewName, feature }: FeatureRef): Reference {
  return { view: viewName, feature: feature.name };
}

function refuseCollisions(references: readonly Reference[], full: boolean): void {
  const names = references.map(({ view, feature }) => (full ? `${view}__${feature}` : feature));
  const twice = [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
  if (twice.length === 0) return;
  const way = full
    ? "please ensure that the feature views or their own features have different names. If you're intentionally joining the same feature view twice on different sets of entities, please rename one of the feature views with '.with_name'."
    : "either use the full feature name by setting 'full_feature_names=True', or ensure that the features in question have different names.";
  const message = `Duplicate features named ${inOrder(names, twice).join(", ")} found.\nTo resolve this collision, ${way}`;
  throw feastError("FEATURE_NAME_COLLISION", 500, "FeatureNameCollisionError", message);
}

/** By where each was first asked for. */
function inOrder(names: readonly string[], some: readonly string[]): readonly string[] {
  return [...some].sort((a, b) => names.indexOf(a) - names.indexOf(b));
}

/** Feast lists every join key of the project, but refuses only where a view has none of its own. */
function refuseMissing(
  { entities: declared }: Definitions,
  plan: ReadPlan,
  entities: Readonly<Record<string, readonly unknown[]>>,
): void {
  const all = new Set([
    ...[...declared.values()].flatMap(({ joinKeys }) => joinKeys.map(({ name }) => name)),
    ...plan.joinKeys.map(({ name }) => name),
  ]);
  for (const { columns } of plan.groups) {
    if (columns.length === 0 || columns.some(({ name }) => (entities[name]?.length ?? 0) > 0)) continue;
    const own = new Set(columns.map(({ name }) => name));
    const sorted = [...all].sort();
    const missing = sorted.filter((name) => !own.has(name) || entities[name] === undefined);
    const provided = Object.keys(entities).filter((name) => all.has(name));
    throw keyError(
      `Missing join key values for keys: ${pythonList(missing)}. No values provided for keys: ${pythonList(sorted)}. ` +
        `Provided join_key_values: ${pythonList(provided)}`,
    );
  }
}
