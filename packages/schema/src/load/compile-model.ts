import { resolve } from "node:path";
import type { FeatureStoreFile } from "../definition-schema.ts";
import type {
  FeatureService,
  ModelDefinition,
  ModelFeature,
  ModelInput,
  OnMissing,
  OnStoreFailure,
  PredictionDefinition,
  RequestFeature,
} from "../definitions.ts";
import { LarderError } from "../errors.ts";
import { decodeFeatureValue } from "../rows/decode-value.ts";
import { describe, micros } from "./compile-view.ts";

type FileModel = FeatureStoreFile["models"][number];
type FilePrediction = Exclude<FileModel["prediction"], readonly unknown[]>;

const DEFAULT_MAX_AGE = "1h";

/** One model with its inputs resolved. */
export function compileModel(
  model: FileModel,
  /** Where a path below the model stands; "" is the model itself. */
  placeOf: (path: string) => string,
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
  const requestFeatures = model.request_features.map((feature, i) =>
    compileRequestFeature(feature, placeOf(`request_features[${i}]`)),
  );
  const { default: byDefault, ...byFeature } = onMissingOf(model.on_missing);
  return {
    ...describe(model, placeOf("")),
    path: resolve(folder, model.path),
    maxVersions: model.max_versions,
    featureService,
    inputs: new Map(
      Object.entries(model.inputs).map(([name, value]) => [
        name,
        inputOf(name, value, featureService, requestFeatures),
      ]),
    ),
    predictions: predictionsOf(model),
    requestFeatures,
    onMissing: byDefault ?? "reject",
    onMissingByFeature: new Map(Object.entries(byFeature)),
    onStoreFailure: onStoreFailureOf(model.on_store_failure),
  };
}

/** What one prediction is called without a name: as the model, and among several as its output. */
function predictionsOf({
  name: model,
  prediction,
}: Pick<FileModel, "name" | "prediction">): readonly PredictionDefinition[] {
  const several = Array.isArray(prediction);
  const all: readonly FilePrediction[] = several ? prediction : [prediction as FilePrediction];
  return all.map(({ name, output, index }) => ({ name: name ?? (several ? output : model), output, index }));
}

function compileRequestFeature(feature: FileModel["request_features"][number], place: string): RequestFeature {
  const decoded = feature.default === undefined ? undefined : decodeFeatureValue(feature.type, feature.default);
  return {
    ...describe(feature, place),
    type: feature.type,
    default: decoded?.ok === true && decoded.value !== null ? decoded.value : undefined,
  };
}

function inputOf(
  name: string,
  value: string | readonly string[],
  service: FeatureService,
  requestFeatures: readonly RequestFeature[],
): ModelInput {
  const references = typeof value === "string" ? [value] : value;
  const features = references.flatMap((reference): ModelFeature[] => {
    const requested = requestFeatures.find((feature) => feature.name === reference);
    if (requested !== undefined) return [{ kind: "request", feature: requested }];
    const ref = service.features.find(({ viewName, feature }) => `${viewName}:${feature.name}` === reference);
    return ref === undefined ? [] : [{ kind: "stored", ref }];
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
