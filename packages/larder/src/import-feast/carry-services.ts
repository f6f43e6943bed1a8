import { type DraftProjection, type DraftService, described, sorted } from "./draft.ts";
import { type ImportNotes, named } from "./import-notes.ts";
import type { FeatureServiceSpec, FeatureViewProjection, Registry } from "./protos/registry_pb.ts";
import { noteUnknown } from "./read-registry.ts";

/** Carries the feature services of a project, with aliases and join key maps. */
export function carryServices(registry: Registry, project: string, notes: ImportNotes): DraftService[] {
  const views: Views = new Map(
    [...registry.featureViews, ...registry.streamFeatureViews].flatMap(({ spec }) =>
      spec?.project === project ? [[spec.name, new Set(spec.entityColumns.map(({ name }) => name))]] : [],
    ),
  );
  return registry.featureServices.flatMap(({ spec }) =>
    spec?.project === project ? (carryService(spec, views, notes) ?? []) : [],
  );
}

/** Views by name, each with its join keys, which a stream feature view has among its features, too. */
type Views = ReadonlyMap<string, ReadonlySet<string>>;

function carryService(spec: FeatureServiceSpec, views: Views, notes: ImportNotes): DraftService | undefined {
  const subject = named("feature service", spec.name);
  noteUnknown(spec, subject, notes);
  if (spec.loggingConfig !== undefined) notes.changed(subject, "loses its logging");
  if (spec.precomputeOnline) {
    notes.changed(subject, "loses its precomputed vectors: its features are read from their views, in one round trip");
  }
  const features = spec.features.flatMap((projection) => {
    const joinKeys = views.get(projection.featureViewName);
    if (joinKeys === undefined) {
      const what = `${named("feature view", projection.featureViewName)} in ${subject}`;
      notes.leftOut(what, "is on-demand, a label view, or not in the registry");
      return [];
    }
    if (projection.versionTag !== undefined && projection.versionTag > 0) {
      const reason = `takes version ${projection.versionTag} of ${named("feature view", projection.featureViewName)}, and here the view as it is`;
      notes.changed(subject, reason);
    }
    return [carryProjection(projection, joinKeys)];
  });
  if (features.length === 0) {
    notes.leftOut(subject, "has no features of a view that could be carried over");
    return undefined;
  }
  return { name: spec.name, ...described(spec), features: distinct(features) };
}

function carryProjection(projection: FeatureViewProjection, joinKeys: ReadonlySet<string>): DraftProjection {
  const { featureViewNameAlias: alias, joinKeyMap } = projection;
  return {
    view: projection.featureViewName,
    ...(alias === "" ? {} : { name_alias: alias }),
    ...(Object.keys(joinKeyMap).length === 0 ? {} : { join_key_map: sorted(joinKeyMap) }),
    features: projection.featureColumns.flatMap(({ name }) => (joinKeys.has(name) ? [] : [name])),
  };
}

/**
 * Feast takes views with features of the same names into one service, which then answers only with full names. Here that is said by an alias, which
 * may be the view's own name.
 */
function distinct(projections: readonly DraftProjection[]): DraftProjection[] {
  const owners = new Map<string, number>();
  for (const name of projections.flatMap(({ features }) => features)) owners.set(name, (owners.get(name) ?? 0) + 1);
  return projections.map(({ view, ...rest }) =>
    rest.features.some((name) => (owners.get(name) ?? 0) > 1) ? { view, name_alias: view, ...rest } : { view, ...rest },
  );
}
