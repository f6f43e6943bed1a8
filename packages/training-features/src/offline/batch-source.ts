import { type BatchSource, type FeatureView, LarderError } from "@larder/schema";

/** A view's batch source. @throws SOURCE_NOT_FOUND if it has none */
export function batchSourceOf(view: FeatureView): BatchSource {
  if (view.source !== undefined) return view.source;
  throw new LarderError("SOURCE_NOT_FOUND", {
    what: `Feature view "${view.name}" has no batch source`,
    remedy: "Give it source.path in feature_store.yaml, or leave it out",
    facts: { view: view.name },
  });
}
