import type { FeatureStoreFile } from "../definition-schema.ts";
import type { FeatureRef, FeatureService, FeatureView } from "../definitions.ts";
import { describe } from "./compile-view.ts";

type FileService = FeatureStoreFile["feature_services"][number];

/** One feature service: its features in order, projections spread out. */
export function compileService(
  service: FileService,
  place: string,
  views: ReadonlyMap<string, FeatureView>,
): FeatureService {
  return {
    ...describe(service, place),
    strictFeast: service.strict_feast,
    features: service.features.flatMap((item) => refsOf(item, views)),
  };
}

function refsOf(item: FileService["features"][number], views: ReadonlyMap<string, FeatureView>): FeatureRef[] {
  if (typeof item === "string") {
    const [view = "", feature = ""] = item.split(":");
    return toRefs(views.get(view), [feature], view, {});
  }
  const view = views.get(item.view);
  const names = item.features ?? view?.features.map(({ name }) => name) ?? [];
  return toRefs(view, names, item.name_alias ?? item.view, item.join_key_map);
}

function toRefs(
  view: FeatureView | undefined,
  names: readonly string[],
  viewName: string,
  map: Readonly<Record<string, string>>,
): FeatureRef[] {
  if (view === undefined) return [];
  const joinKeyMap = new Map(Object.entries(map).filter(([key, column]) => key !== column));
  return names.flatMap((name) => {
    const feature = view.featureByName.get(name);
    return feature === undefined ? [] : [{ view, feature, viewName, joinKeyMap }];
  });
}
