import { keyPath } from "../yaml/placed-node.ts";
import { type CheckContext, type LooseModel, present } from "./check-context.ts";
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
  if (service === undefined) return;
  if (!context.services.has(service)) {
    const remedy = suggest(service, [...context.services.keys()], "Declare it under feature_services");
    problems.add(at(path, "feature_service"), `names the feature service "${service}", which does not exist`, remedy);
    return;
  }
  const { features = [], complete = false } = services.get(service) ?? {};
  if (!complete) return;
  for (const [input, value] of Object.entries(model.inputs ?? {})) {
    const inputPath = keyPath(`${path}.inputs`, input);
    if (typeof value === "string") checkInput(context, value, inputPath, service, features);
    else for (const [i, each] of present(value)) checkInput(context, each, `${inputPath}[${i}]`, service, features);
  }
  checkOnMissing(context, model, path, service, features);
}

function checkInput(
  { at, problems }: CheckContext,
  reference: string,
  path: string,
  service: string,
  features: readonly ServiceFeature[],
): void {
  if (features.some((each) => refersTo(each, reference))) return;
  const names = features.map(({ viewName, feature }) => `${viewName}:${feature}`);
  const what = `takes "${reference}", which the feature service "${service}" does not have`;
  problems.add(at(path), what, suggest(reference, names, "Add it to the service"));
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
