import { createHash } from "node:crypto";
import type { Definitions, FeatureRef, FeatureView, RequestFeature, TimeUnit } from "../definitions.ts";
import type { ValueType } from "../value-type.ts";

/** What types can know of a file: names and value types. Everything is sorted by name, so that the order of the file does not matter. */
export interface Shapes {
  readonly project: string;
  readonly tenants: readonly string[];
  readonly views: readonly ViewShape[];
  readonly services: readonly ServiceShape[];
  readonly models: readonly ModelShape[];
}

/** A name and the type of its values. */
export interface ColumnShape {
  readonly name: string;
  readonly description: string;
  readonly type: ValueType;
}

/** One feature view: what its rows look like when they are pushed, and what can be read of it. */
export interface ViewShape {
  readonly name: string;
  readonly description: string;
  readonly joinKeys: readonly ColumnShape[];
  readonly features: readonly ColumnShape[];
  /** `partial_rows: absent`: a pushed row may lack features. */
  readonly partialRows: boolean;
  /** Unit of times that are given as bare numbers; undefined when those are refused. */
  readonly timeUnit: TimeUnit | undefined;
  readonly tombstoneColumn: string | undefined;
}

/** One feature service. Its features are named `view:feature`, by the view's alias if it has one; its join keys as a request brings them. */
export interface ServiceShape {
  readonly name: string;
  readonly description: string;
  readonly joinKeys: readonly ColumnShape[];
  readonly features: readonly ColumnShape[];
}

/** One model: which service feeds it and what its answer is called. */
export interface ModelShape {
  readonly name: string;
  readonly description: string;
  readonly featureService: string;
  /** A list where there are several. */
  readonly prediction: string | readonly string[];
  /** Absent where there are none. */
  readonly requestFeatures?: readonly (ColumnShape & { readonly optional: boolean })[];
}

/** The shapes of a file. */
export function shapesOf({ project, tenants, views, services, models }: Definitions): Shapes {
  return {
    project,
    tenants: [...tenants.keys()].sort(),
    views: byName([...views.values()].map(viewShape)),
    services: byName(
      [...services.values()].map(({ name, description, features }) => ({
        name,
        description,
        joinKeys: requestColumns(features),
        features: byName(
          features.map(({ viewName, feature: { name, type } }) => undescribed(`${viewName}:${name}`, type)),
        ),
      })),
    ),
    models: byName(
      [...models.values()].map(({ name, description, featureService, predictions, requestFeatures }) => {
        const [only, ...more] = predictions.map((each) => each.name).sort();
        return {
          name,
          description,
          featureService: featureService.name,
          prediction: more.length === 0 ? (only as string) : [only as string, ...more],
          ...(requestFeatures.length === 0 ? {} : { requestFeatures: byName(requestFeatures.map(requestColumn)) }),
        };
      }),
    ),
  };
}

/**
 * SHA-256 (hex) over what generated types depend on: project, and names and types of join keys, features, services and models. Not over what leaves
 * every type true, such as TTLs, sources and descriptions, and not over tenants: one more tenant must not stop an application that runs, and
 * one less is refused when it is opened.
 */
export function hashShapes(definitions: Definitions): string {
  const { tenants: _, ...shapes } = shapesOf(definitions);
  const text = JSON.stringify(shapes, (key, value: unknown) => (key === "description" ? undefined : value));
  return createHash("sha256").update(text).digest("hex");
}

function viewShape(view: FeatureView): ViewShape {
  return {
    name: view.name,
    description: view.description,
    joinKeys: byName(view.joinKeys.map(({ name, type }) => undescribed(name, type))),
    features: byName(view.features.map(column)),
    partialRows: view.partialRows === "absent",
    timeUnit: view.timeUnit,
    tombstoneColumn: view.source?.tombstoneColumn,
  };
}

/** The columns that entity rows bring for these features, after join key maps; the loader has seen to it that each has one type. */
function requestColumns(refs: readonly FeatureRef[]): readonly ColumnShape[] {
  const columns = refs.flatMap(({ view, joinKeyMap }) =>
    view.joinKeys.map(({ name, type }) => undescribed(joinKeyMap.get(name) ?? name, type)),
  );
  return byName([...new Map(columns.map((each) => [each.name, each])).values()]);
}

/** A join key has no description, and a service's features have that of their view. */
function undescribed(name: string, type: ValueType): ColumnShape {
  return { name, description: "", type };
}

function column({ name, description, type }: ColumnShape): ColumnShape {
  return { name, description, type };
}

function requestColumn(feature: RequestFeature): ColumnShape & { readonly optional: boolean } {
  return { ...column(feature), optional: feature.default !== undefined };
}

/** By code unit: the same on every machine. */
function byName<T extends { readonly name: string }>(items: readonly T[]): readonly T[] {
  return [...items].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
