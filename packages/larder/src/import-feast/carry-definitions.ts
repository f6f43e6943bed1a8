import type { KeyType } from "@larder/schema";
import { carryServices } from "./carry-services.ts";
import { durationText, SourceCarrier, typeName } from "./carry-sources.ts";
import { byName, type DraftEntity, type DraftFeature, type DraftFile, type DraftView, described } from "./draft.ts";
import { feastTypeName, keyTypeOf, valueTypeOf } from "./feast-types.ts";
import { type ImportNotes, named } from "./import-notes.ts";
import type { FeatureSpecV2, FeatureView, Registry, StreamFeatureView } from "./protos/registry_pb.ts";
import { noteUnknown } from "./read-registry.ts";

/** What a registry brings to the file. */
export type CarriedDefinitions = Pick<DraftFile, "entities" | "feature_views" | "feature_services" | "stream">;

/** SourceType of values that come with a request. */
const REQUEST = 7;

/** Feast's stand-in for the entity of a view that has none. */
const NO_ENTITY = "__dummy";

/** Carries the definitions of one project; what cannot be carried goes to the notes. */
export function carryDefinitions(registry: Registry, project: string, notes: ImportNotes): CarriedDefinitions {
  noteUnknown(registry, "registry", notes);
  const sources = new SourceCarrier(notes);
  const views = viewsOf(registry, project);
  const entities = carryEntities(registry, project, views, notes);
  const carried = views.flatMap((view) => carryView(view, entities, sources, notes) ?? []);
  const feature_services = carryServices(registry, project, carried, notes);
  noteOthers(registry, project, sources, notes);
  return {
    ...(sources.brokers === undefined ? {} : { stream: { type: "kafka", brokers: sources.brokers.split(",") } }),
    entities: [...entities.values()].map(({ draft }) => draft),
    feature_views: carried,
    feature_services,
  };
}

type AnyView = (FeatureView | StreamFeatureView) & {
  readonly spec: NonNullable<(FeatureView | StreamFeatureView)["spec"]>;
};

function viewsOf(registry: Registry, project: string): AnyView[] {
  const all: (FeatureView | StreamFeatureView)[] = [...registry.featureViews, ...registry.streamFeatureViews];
  const mine = all.filter((view): view is AnyView => view.spec?.project === project);
  return mine.toSorted((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
}

interface CarriedEntity {
  readonly draft: DraftEntity;
  readonly joinKey: string;
  readonly type: KeyType;
}

/** A key's bytes hold its type, and rows were written with the type that views give the column. */
function carryEntities(
  registry: Registry,
  project: string,
  views: readonly AnyView[],
  notes: ImportNotes,
): ReadonlyMap<string, CarriedEntity> {
  const carried = new Map<string, CarriedEntity>();
  for (const spec of byName(registry.entities.flatMap((entity) => entity.spec ?? []))) {
    if (spec.project !== project || spec.name === NO_ENTITY) continue;
    const subject = named("entity", spec.name);
    noteUnknown(spec, subject, notes);
    const users = views.filter((view) => view.spec.entities.includes(spec.name));
    const columns = users.flatMap((view) => view.spec.entityColumns.filter(({ name }) => name === spec.joinKey));
    const feast = columns[0]?.valueType ?? spec.valueType;
    const type = keyTypeOf(feast);
    if (type === undefined) {
      notes.leftOut(subject, `has the type ${feastTypeName(feast)}, which is none of a join key here`);
      continue;
    }
    if (feast !== spec.valueType) {
      const reason = `is declared ${feastTypeName(spec.valueType)} and written as ${type}, the type that its views have`;
      notes.changed(subject, reason);
    }
    const draft = { name: spec.name, join_keys: [{ name: spec.joinKey, type }], ...described(spec) };
    carried.set(spec.name, { draft, joinKey: spec.joinKey, type });
  }
  return carried;
}

function carryView(
  { spec, meta }: AnyView,
  entities: ReadonlyMap<string, CarriedEntity>,
  sources: SourceCarrier,
  notes: ImportNotes,
): DraftView | undefined {
  const subject = named("feature view", spec.name);
  noteUnknown(spec, subject, notes);
  const names = spec.entities.filter((name) => name !== NO_ENTITY);
  const columns = new Set([...spec.features, ...spec.entityColumns].map(({ name }) => name));
  const carriedSources = sources.carry({
    name: spec.name,
    batchSource: spec.batchSource,
    streamSource: spec.streamSource,
    transformed: transformationOf(spec),
    columns,
  });
  if (spec.disabled) {
    notes.leftOut(subject, "is disabled");
    return undefined;
  }
  for (const name of names) {
    const entity = entities.get(name);
    const column = spec.entityColumns.find((each) => each.name === entity?.joinKey);
    if (entity === undefined) notes.leftOut(subject, `has the entity ${JSON.stringify(name)}, which is left out`);
    else if (column !== undefined && keyTypeOf(column.valueType) !== entity.type) {
      const reason = `takes "${column.name}" as ${feastTypeName(column.valueType)}, and other views of the entity as ${entity.type}`;
      notes.leftOut(subject, reason);
    } else continue;
    return undefined;
  }
  // A stream feature view has its join keys among its features, too.
  const own = spec.features.filter(({ name }) => !spec.entityColumns.some((key) => key.name === name));
  const features = own.flatMap((feature) => carryFeature(spec.name, feature, notes) ?? []);
  if (features.length === 0) {
    notes.leftOut(subject, "has no feature of a type that Larder has");
    return undefined;
  }
  noteWays(spec, meta?.currentVersionNumber ?? 0, subject, notes);
  return {
    name: spec.name,
    ...described(spec),
    entities: names,
    ...ttlOf(spec.ttl, subject, notes),
    features,
    ...carriedSources,
  };
}

function carryFeature(view: string, spec: FeatureSpecV2, notes: ImportNotes): DraftFeature | undefined {
  const subject = named("feature", `${view}:${spec.name}`);
  noteUnknown(spec, subject, notes);
  const type = valueTypeOf(spec.valueType);
  if (type === undefined) {
    notes.leftOut(subject, `has the type ${feastTypeName(spec.valueType)}, which Larder does not have`);
    return undefined;
  }
  if (spec.vectorIndex) notes.changed(subject, "is served, and not searched: Larder has no vector search");
  return { name: spec.name, type, ...described(spec) };
}

/** Feast joins by the TTL, and does not look at it online. */
function ttlOf(
  ttl: AnyView["spec"]["ttl"],
  subject: string,
  notes: ImportNotes,
): Pick<DraftView, "ttl" | "online_ttl"> {
  if (ttl !== undefined && Number(ttl.seconds) * 1e6 > Number.MAX_SAFE_INTEGER) {
    notes.changed(subject, "has a TTL beyond 285 years, which is taken for none");
    return {};
  }
  if (ttl !== undefined && ttl.seconds < 0n) notes.changed(subject, "has a TTL below zero, which is taken for none");
  const text = durationText(ttl);
  return text === undefined || text === "none" ? {} : { ttl: text, online_ttl: "none" };
}

function transformationOf(spec: AnyView["spec"]): string | undefined {
  const own =
    spec.featureTransformation !== undefined ||
    ("userDefinedFunction" in spec && spec.userDefinedFunction !== undefined) ||
    ("aggregations" in spec && spec.aggregations.length > 0) ||
    ("sourceViews" in spec && spec.sourceViews.length > 0);
  if (!own) return undefined;
  return "feed a transformation of Feast's, whose result the view's rows are: keep computing it, and push or store its rows";
}

/** What a view does in Feast that it does not do here. */
function noteWays(spec: AnyView["spec"], version: number, subject: string, notes: ImportNotes): void {
  if (!spec.online) notes.changed(subject, "is not online in Feast; Larder serves every view");
  if (spec.enableValidation)
    notes.changed(subject, "loses enable_validation: rows are always checked against their types");
  if (version > 0) {
    const reason = `has version ${version}: with online versioning, Feast keeps its rows under "${spec.name}_v${version}", and this file reads those of "${spec.name}"`;
    notes.changed(subject, reason);
  }
  if (spec.org !== "") notes.changed(subject, `loses its org ${JSON.stringify(spec.org)}`);
}

/** What a registry holds besides entities, views and services. */
function noteOthers(registry: Registry, project: string, sources: SourceCarrier, notes: ImportNotes): void {
  const leave = (kind: string, specs: readonly ({ name: string; project: string } | undefined)[], reason: string) => {
    for (const spec of byName(specs.flatMap((each) => each ?? [])))
      if (spec.project === project) notes.leftOut(named(kind, spec.name), reason);
  };
  leave(
    "on-demand feature view",
    registry.onDemandFeatureViews.map(({ spec }) => spec),
    "is computed in Python at request time: compute it before it is pushed, in the model, or in the caller",
  );
  leave(
    "label view",
    registry.labelViews.map(({ spec }) => spec),
    "Larder has no label views",
  );
  leave(
    "saved dataset",
    registry.savedDatasets.map(({ spec }) => spec),
    "training sets are files with a manifest here",
  );
  leave("validation reference", registry.validationReferences, "Larder does not validate against reference data");
  leave(
    "permission",
    registry.permissions.map(({ spec }) => spec),
    "who may do what is not part of definitions here",
  );
  if (registry.featureTables.length > 0) notes.leftOut("feature tables", "are Feast's before 0.10");
  for (const source of byName(registry.dataSources)) {
    if (source.project !== project || sources.seen.has(source.name)) continue;
    const reason =
      source.type === REQUEST
        ? "is request data, for on-demand feature views"
        : `is ${typeName(source)} that no feature view takes; sources are part of views here`;
    notes.leftOut(named("data source", source.name), reason);
  }
  const others = new Set<string>();
  for (const { spec } of [...registry.projects, ...registry.featureViews, ...registry.streamFeatureViews]) {
    if (spec === undefined) continue;
    others.add("project" in spec ? spec.project : spec.name);
  }
  others.delete(project);
  for (const name of others)
    notes.leftOut(named("project", name), "is imported into a file of its own, with --project");
}
