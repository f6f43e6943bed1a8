import type { At } from "../problem-list.ts";
import { decodeFeatureValue } from "../rows/decode-value.ts";
import { keyPath } from "../yaml/placed-node.ts";
import { type CheckContext, indexByName, type LooseModel, present } from "./check-context.ts";
import type { ServiceFeature, ServiceFeatures } from "./check-services.ts";
import { suggest } from "./nearest.ts";

/** Checks what models mean: their service, what feeds their inputs, what they do without a value or a store. */
export function checkModels(context: CheckContext, services: ReadonlyMap<string, ServiceFeatures>): void {
  for (const [i, model] of present(context.file.models)) checkModel(context, model, `models[${i}]`, services);
}

function checkModel(
  context: CheckContext,
  model: LooseModel,
  path: string,
  services: ReadonlyMap<string, ServiceFeatures>,
): void {
  const { at, problems } = context;
  const { feature_service: service, on_store_failure: failure } = model;
  const stale = failure?.policy === "stale";
  for (const key of ["max_age", "otherwise"] as const) {
    if (failure?.[key] === undefined || stale) continue;
    problems.add(
      at(`${path}.on_store_failure`, key),
      "counts only with policy stale",
      "Remove it, or write policy: stale",
    );
  }
  checkPredictions(context, model, `${path}.prediction`);
  const requested = checkRequestFeatures(context, model, `${path}.request_features`);
  if (service === undefined) return;
  if (!context.services.has(service)) {
    const remedy = suggest(service, [...context.services.keys()], "Declare it under feature_services");
    problems.add(at(path, "feature_service"), `names the feature service "${service}", which does not exist`, remedy);
    return;
  }
  const { features = [], complete = false, columns = new Set<string>() } = services.get(service) ?? {};
  if (!complete) return;
  checkJoinKeys(context, path, service, requested, columns);
  const fed = { service, features, requested: new Set(requested.keys()) };
  for (const [input, value] of Object.entries(model.inputs ?? {})) {
    const inputPath = keyPath(`${path}.inputs`, input);
    if (typeof value === "string") checkInput(context, value, inputPath, fed);
    else for (const [i, each] of present(value)) checkInput(context, each, `${inputPath}[${i}]`, fed);
  }
  checkOnMissing(context, model, path, service, features);
}

/** Several predictions stand side by side in one object, and `errors` and `feature_status` beside a lone one. */
function checkPredictions({ at, problems }: CheckContext, { prediction }: LooseModel, path: string): void {
  const several = Array.isArray(prediction);
  const places = new Map<string, string>();
  for (const [i, each] of present(several ? prediction : [prediction])) {
    const here = several ? `${path}[${i}]` : path;
    const name = each.name ?? (several ? each.output : undefined);
    if (name === undefined) continue;
    const place = at(here, each.name === undefined ? "output" : "name");
    const first = places.get(name);
    if (first !== undefined) problems.add(place, `is "${name}", a name taken at ${first}`, "Give each its own name");
    else if (ANSWER_MEMBERS.has(name)) {
      problems.add(place, `is "${name}", which an answer has already`, "Give it another name");
    }
    places.set(name, place.place);
  }
}

/** Members of the answer to one flat row, beside its predictions. */
const ANSWER_MEMBERS = new Set(["errors", "feature_status"]);

/** Members of a request that are no value of a row. */
const REQUEST_MEMBERS = new Set(["entity_rows", "overrides"]);

/** Answers each name with where it stands. */
function checkRequestFeatures({ at, problems }: CheckContext, model: LooseModel, path: string): Map<string, At> {
  indexByName(model.request_features, path, at, problems);
  const names = new Map<string, At>();
  for (const [i, { name, type, default: substitute }] of present(model.request_features)) {
    const here = `${path}[${i}]`;
    if (name !== undefined) {
      if (REQUEST_MEMBERS.has(name)) {
        problems.add(at(here, "name"), `is "${name}", which a request has already`, "Give it another name");
      }
      names.set(name, at(here, "name"));
    }
    if (substitute === undefined || type === undefined) continue;
    const decoded = decodeFeatureValue(type, substitute);
    if (!decoded.ok) problems.add(at(here, "default"), decoded.what, decoded.remedy.replace(/^Send /, "Write "));
  }
  return names;
}

/** Join keys and request features are members of the same row, and so is `overrides`. */
function checkJoinKeys(
  { at, problems }: CheckContext,
  path: string,
  service: string,
  requested: ReadonlyMap<string, At>,
  columns: ReadonlySet<string>,
): void {
  for (const [name, here] of requested) {
    if (!columns.has(name)) continue;
    problems.add(here, `is "${name}", which is a join key of "${service}"`, "Give it another name");
  }
  for (const name of REQUEST_MEMBERS) {
    if (!columns.has(name)) continue;
    const what = `names "${service}", whose join key "${name}" has the name of another member of a request`;
    problems.add(at(path, "feature_service"), what, "Map the join key to another column, with join_key_map");
  }
}

/** What may feed a model's inputs. */
interface Feeds {
  readonly service: string;
  readonly features: readonly ServiceFeature[];
  readonly requested: ReadonlySet<string>;
}

function checkInput({ at, problems }: CheckContext, reference: string, path: string, feeds: Feeds): void {
  const { service, features, requested } = feeds;
  if (requested.has(reference) || features.some((each) => refersTo(each, reference))) return;
  const names = features.map(({ viewName, feature }) => `${viewName}:${feature}`);
  if (reference.includes(":")) {
    const what = `takes "${reference}", which the feature service "${service}" does not have`;
    problems.add(at(path), what, suggest(reference, names, "Add it to the service"));
  } else {
    const what = `takes "${reference}", which is no request feature of this model`;
    problems.add(
      at(path),
      what,
      suggest(reference, [...requested], "Declare it under request_features, or write view:feature"),
    );
  }
}

function checkOnMissing(
  { at, problems }: CheckContext,
  model: LooseModel,
  path: string,
  service: string,
  features: readonly ServiceFeature[],
): void {
  if (typeof model.on_missing !== "object") return;
  const names = features.map(({ viewName, feature }) => `${viewName}:${feature}`);
  for (const [key, word] of Object.entries(model.on_missing)) {
    if (key === "default") continue;
    const here = at(`${path}.on_missing`, key);
    const feature = features.find((each) => refersTo(each, key));
    if (feature === undefined) {
      const what = `is neither default nor a feature of "${service}"`;
      problems.add(here, what, suggest(key, ["default", ...names], ""));
    } else if (word === "nan" && (feature.type === "string" || feature.type === "bytes")) {
      problems.add(here, `passes NaN for a ${feature.type}, which has none`, "Use reject or default");
    }
  }
}

function refersTo({ viewName, feature }: ServiceFeature, reference: string): boolean {
  return `${viewName}:${feature}` === reference;
}
