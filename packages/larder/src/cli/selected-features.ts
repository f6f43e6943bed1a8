import { LarderError } from "@larder/schema";

/** What `--features` and `--service` name. @throws INVALID_REQUEST unless exactly one of them is given */
export function selectedFeatures(options: { readonly features?: string; readonly service?: string }): {
  readonly features: readonly string[] | undefined;
  readonly featureService: string | undefined;
} {
  const { features, service } = options;
  if ((features === undefined) === (service === undefined)) {
    throw new LarderError("INVALID_REQUEST", {
      what: features === undefined ? "No features are named" : "Both --features and --service are given",
      remedy:
        "Name them by --features view:feature,view:feature or a feature service by --service; `larder list` shows what there is",
      facts: { field: "features" },
    });
  }
  return { features: features?.split(",").map((part) => part.trim()), featureService: service };
}
