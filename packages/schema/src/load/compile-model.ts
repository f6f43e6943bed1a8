import { resolve } from "node:path";
import type { FeatureStoreFile } from "../definition-schema.ts";
import type {
  FeatureRef,
  FeatureService,
  ModelDefinition,
  ModelInput,
  OnMissing,
  OnStoreFailure,
} from "../definitions.ts";
import { LarderError } from "../errors.ts";
import { describe, micros } from "./compile-view.ts";

type FileModel = FeatureStoreFile["models"][number];

const DEFAULT_MAX_AGE = "1h";

/** One model with its inputs resolved. */
export function compileModel(
  model: FileModel,
  place: string,
  services: ReadonlyMap<string, FeatureService>,
  folder: string,
): ModelDefinition {
  const featureService = services.get(model.feature_service);
  if (featureService === undefined) {
    throw new LarderError("INTERNAL", {
      what: `Model "${model.name}" has no feature service "${model.feature_service}", which the checks should have found`,
      remedy: "Report this with the file",
    });
  }
  const { default: byDefault, ...byFeature } = onMissingOf(model.on_missing);
  return {
    ...describe(model, place),
    path: resolve(folder, model.path),
    maxVersions: model.max_versions,
    featureService,
    inputs: new Map(Object.entries(model.inputs).map(([name, value]) => [name, inputOf(name, value, featureService)])),
    prediction: {
      name: model.prediction.name ?? model.name,
      output: model.prediction.output,
      index: model.prediction.index,
    },
    onMissing: byDefault ?? "reject",
    onMissingByFeature: new Map(Object.entries(byFeature)),
    onStoreFailure: onStoreFailureOf(model.on_store_failure),
  };
}

function inputOf(name: string, value: string | readonly string[], service: FeatureService): ModelInput {
  const references = typeof value === "string" ? [value] : value;
  const features = references.flatMap((reference): FeatureRef[] => {
    const ref = service.features.find(({ viewName, feature }) => `${viewName}:${feature.name}` === reference);
    return ref === undefined ? [] : [ref];
  });
  return { name, features };
}

function onMissingOf(value: FileModel["on_missing"]): Readonly<Record<string, OnMissing>> {
  return typeof value === "string" ? { default: value } : value;
}

function onStoreFailureOf(value: FileModel["on_store_failure"]): OnStoreFailure {
  if (value.policy !== "stale") return { policy: value.policy };
  return { policy: "stale", maxAge: micros(value.max_age ?? DEFAULT_MAX_AGE), otherwise: value.otherwise ?? "fail" };
}
