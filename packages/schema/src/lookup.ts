import type { Definitions, FeatureRef, FeatureService, FeatureView, ModelDefinition, Tenant } from "./definitions.ts";
import { type ErrorCode, LarderError } from "./errors.ts";

/** The tenant of that name. @throws UNKNOWN_TENANT */
export function findTenant(definitions: Definitions, name: string): Tenant {
  return found(definitions.tenants, name, "UNKNOWN_TENANT", "tenant", "tenants");
}

/** The view of that name. @throws UNKNOWN_VIEW */
export function findView(definitions: Definitions, name: string): FeatureView {
  return found(definitions.views, name, "UNKNOWN_VIEW", "feature view", "feature_views");
}

/** The feature service of that name. @throws UNKNOWN_SERVICE */
export function findService(definitions: Definitions, name: string): FeatureService {
  return found(definitions.services, name, "UNKNOWN_SERVICE", "feature service", "feature_services");
}

/** The model of that name. @throws UNKNOWN_MODEL */
export function findModel(definitions: Definitions, name: string): ModelDefinition {
  return found(definitions.models, name, "UNKNOWN_MODEL", "model", "models");
}

/** The views a push source feeds. @throws UNKNOWN_PUSH_SOURCE */
export function findPushSource(definitions: Definitions, name: string): readonly FeatureView[] {
  return found(definitions.pushSources, name, "UNKNOWN_PUSH_SOURCE", "push source", "push_source of a view");
}

/** What `view:feature` names. @throws INVALID_REQUEST for another form, UNKNOWN_VIEW, UNKNOWN_FEATURE */
export function findFeature(definitions: Definitions, reference: string): FeatureRef {
  const colon = reference.indexOf(":");
  if (colon <= 0 || colon === reference.length - 1) {
    throw new LarderError("INVALID_REQUEST", {
      what: `"${clip(reference)}" is not a feature reference`,
      remedy: `Write "view:feature"${exampleFor(definitions, reference)}`,
      facts: { field: "features" },
    });
  }
  const view = findView(definitions, reference.slice(0, colon));
  const name = reference.slice(colon + 1);
  const feature = view.featureByName.get(name);
  if (feature === undefined) {
    throw new LarderError("UNKNOWN_FEATURE", {
      what: `Feature view "${view.name}" has no feature "${clip(name)}"`,
      remedy: `Use one of: ${names(view.featureByName.keys())}`,
      facts: { view: view.name, feature: clip(name) },
    });
  }
  return { view, feature, viewName: view.name, joinKeyMap: new Map() };
}

/** A reference that exists, if possible of the view or feature whose bare name was written. */
function exampleFor(definitions: Definitions, name: string): string {
  const views = [...definitions.views.values()];
  const view = definitions.views.get(name) ?? views.find(({ featureByName }) => featureByName.has(name)) ?? views[0];
  const feature = view?.featureByName.get(name) ?? view?.features[0];
  return view === undefined || feature === undefined ? "" : `, for example "${view.name}:${feature.name}"`;
}

function found<T>(map: ReadonlyMap<string, T>, name: string, code: ErrorCode, kind: string, key: string): T {
  const value = map.get(name);
  if (value !== undefined) return value;
  throw new LarderError(code, {
    what: `There is no ${kind} "${clip(name)}"`,
    remedy: map.size === 0 ? `Declare one under ${key} in feature_store.yaml` : `Use one of: ${names(map.keys())}`,
    facts: { name: clip(name) },
  });
}

/** Names come from callers: a message must not grow with them. */
function clip(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}

function names(keys: Iterable<string>): string {
  const all = [...keys];
  const shown = all.slice(0, 10).join(", ");
  return all.length > 10 ? `${shown} and ${all.length - 10} more` : shown;
}
