import { byName, type DraftProjection, type DraftService, type DraftView, described, sorted } from "./draft.ts";
import { type ImportNotes, named } from "./import-notes.ts";
import type { FeatureServiceSpec, FeatureViewProjection, Registry } from "./protos/registry_pb.ts";
import { noteUnknown } from "./read-registry.ts";

/** Carries the feature services of a project, with aliases and join key maps, over the views that were carried. */
export function carryServices(
  registry: Registry,
  project: string,
  views: readonly DraftView[],
  notes: ImportNotes,
): DraftService[] {
  const joinKeys = new Map<string, ReadonlySet<string>>();
  for (const { spec } of [...registry.featureViews, ...registry.streamFeatureViews]) {
    if (spec?.project === project) joinKeys.set(spec.name, new Set(spec.entityColumns.map(({ name }) => name)));
  }
  const carrier = new ServiceCarrier(new Map(views.map((view) => [view.name, view])), joinKeys, notes);
  const specs = registry.featureServices.flatMap(({ spec }) => (spec?.project === project ? [spec] : []));
  return byName(specs).flatMap((spec) => carrier.carry(spec) ?? []);
}

class ServiceCarrier {
  readonly #views: ReadonlyMap<string, DraftView>;
  /** Of every view, carried or not: a stream feature view has them among its features, too. */
  readonly #joinKeys: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #notes: ImportNotes;

  constructor(
    views: ReadonlyMap<string, DraftView>,
    joinKeys: ReadonlyMap<string, ReadonlySet<string>>,
    notes: ImportNotes,
  ) {
    this.#views = views;
    this.#joinKeys = joinKeys;
    this.#notes = notes;
  }

  carry(spec: FeatureServiceSpec): DraftService | undefined {
    const subject = named("feature service", spec.name);
    noteUnknown(spec, subject, this.#notes);
    if (spec.loggingConfig !== undefined) this.#notes.changed(subject, "loses its logging");
    if (spec.precomputeOnline) {
      const reason = "loses its precomputed vectors: its features are read from their views, in one round trip";
      this.#notes.changed(subject, reason);
    }
    const features = spec.features.flatMap((projection) => this.#carryProjection(projection, subject) ?? []);
    if (features.length === 0) {
      this.#notes.leftOut(subject, "has no features that could be carried over");
      return undefined;
    }
    return { name: spec.name, ...described(spec), features: distinct(features) };
  }

  #carryProjection(projection: FeatureViewProjection, service: string): DraftProjection | undefined {
    const { featureViewName: name, featureViewNameAlias: alias, joinKeyMap, versionTag = 0 } = projection;
    const view = this.#views.get(name);
    const subject = named("feature view", name);
    if (view === undefined) {
      const known = this.#joinKeys.has(name);
      const reason = known ? "is left out of the file" : "is on-demand, a label view, or not in the registry";
      this.#notes.leftOut(`${subject} in ${service}`, reason);
      return undefined;
    }
    if (versionTag > 0)
      this.#notes.changed(service, `takes version ${versionTag} of ${subject}, and here the view as it is`);
    const features = projection.featureColumns.flatMap((feature) => {
      if (this.#joinKeys.get(name)?.has(feature.name) === true) return [];
      if (view.features.some((each) => each.name === feature.name)) return [feature.name];
      this.#notes.leftOut(`${named("feature", `${name}:${feature.name}`)} of ${service}`, "is left out of its view");
      return [];
    });
    if (features.length === 0) return undefined;
    return {
      view: name,
      ...(alias === "" ? {} : { name_alias: alias }),
      ...(Object.keys(joinKeyMap).length === 0 ? {} : { join_key_map: sorted(joinKeyMap) }),
      features,
    };
  }
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
