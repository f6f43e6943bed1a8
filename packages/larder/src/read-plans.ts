import { type Definitions, type FeatureRef, findFeature, findService, LarderError } from "@larder/schema";
import { createReadPlan, type ReadPlan } from "@larder/store-core";

/** Which features: a list of `view:feature`, or a feature service by name. */
export interface FeatureSelection {
  readonly features?: readonly string[] | undefined;
  readonly featureService?: string | undefined;
  /** Name columns `view__feature`. Default false. */
  readonly fullFeatureNames?: boolean | undefined;
}

/** Plans kept: an application asks for a handful of feature lists, over and over. */
const KEPT = 100;

/** Compiles each feature list once and keeps the last used ones. */
export class ReadPlans {
  readonly #definitions: Definitions;
  readonly #plans = new Map<string, ReadPlan>();

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  /** @throws INVALID_REQUEST, UNKNOWN_VIEW, UNKNOWN_FEATURE, UNKNOWN_SERVICE, FEATURE_NAME_COLLISION */
  get(selection: FeatureSelection): ReadPlan {
    const { features, featureService, fullFeatureNames = false } = selection;
    const key = JSON.stringify([features, featureService, fullFeatureNames]);
    const plan = this.#plans.get(key) ?? this.#create(selection, fullFeatureNames);
    this.#plans.delete(key);
    this.#plans.set(key, plan);
    const [oldest] = this.#plans.keys();
    if (this.#plans.size > KEPT && oldest !== undefined) this.#plans.delete(oldest);
    return plan;
  }

  #create(selection: FeatureSelection, fullFeatureNames: boolean): ReadPlan {
    const plan = createReadPlan(this.#definitions, selectFeatures(this.#definitions, selection), { fullFeatureNames });
    for (const { name } of plan.joinKeys) {
      if (!plan.columns.some((column) => column.name === name)) continue;
      throw new LarderError("FEATURE_NAME_COLLISION", {
        what: `"${name}" is the name of a feature and of a join key`,
        remedy: "Ask with fullFeatureNames, which names features view__feature",
        facts: { field: "features", name },
      });
    }
    return plan;
  }
}

/** The features a selection names, in order. @throws INVALID_REQUEST unless exactly one of `features` and `featureService` is given */
export function selectFeatures(definitions: Definitions, selection: FeatureSelection): readonly FeatureRef[] {
  const { features, featureService } = selection;
  if ((features === undefined) === (featureService === undefined)) {
    throw new LarderError("INVALID_REQUEST", {
      what:
        features === undefined ? "No features were asked for" : "Both features and a feature service were asked for",
      remedy: 'Give either a list of "view:feature" or the name of one feature service',
      facts: { field: "features" },
    });
  }
  if (featureService !== undefined) return findService(definitions, featureService).features;
  return (features ?? []).map((reference) => findFeature(definitions, reference));
}
