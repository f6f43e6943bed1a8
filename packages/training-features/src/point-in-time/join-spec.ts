import {
  type BatchSource,
  type Feature,
  type FeatureRef,
  type FeatureView,
  type KeyType,
  LarderError,
  type ValueType,
} from "@larder/schema";
import { batchSourceOf } from "../offline/batch-source.ts";

/**
 * Which rows a join may see. `bitemporal`: those that had happened and had arrived by the entity row's time. `event_time`: those that had happened,
 * Feast's weaker rule.
 */
export type AsOf = "bitemporal" | "event_time";

/** A join column: the view's name for it, and the entity rows' name. */
export interface JoinColumn {
  readonly name: string;
  readonly entityColumn: string;
  readonly type: KeyType;
}

/** A feature and the name of its output column. */
export interface OutputFeature {
  readonly feature: Feature;
  readonly output: string;
  readonly type: ValueType;
}

/** One view as one request uses it: a view that a service names twice, through different join keys, is two projections. */
export interface JoinProjection {
  /** The view's name in the request: an alias, or its own. */
  readonly name: string;
  readonly view: FeatureView;
  /** In the order of the view's join keys; none for an entity-less view. */
  readonly keys: readonly JoinColumn[];
  /** Microseconds; undefined = no limit. */
  readonly ttl: bigint | undefined;
  readonly rule: AsOf;
  /** Why `rule` is weaker than what was asked for; undefined if it is not. */
  readonly ruleReason: string | undefined;
  /** Whether the bitemporal rule has a meaning here: there is a created column and it does not mean the time of a load. */
  readonly hasArrival: boolean;
  /** Whether the file itself says that created times are arrival times; if it does not, the run checks that they can be. */
  readonly arrivalStated: boolean;
  readonly features: readonly OutputFeature[];
}

/** A point-in-time join, ready to be planned. */
export interface JoinSpec {
  readonly asOf: AsOf;
  /** The columns that entity rows must have beside their time, each once, in order of first use. */
  readonly entityKeys: readonly { readonly column: string; readonly type: KeyType }[];
  readonly projections: readonly JoinProjection[];
  /** Output features in the order of the request: position of the projection and its feature. */
  readonly outputs: readonly { readonly projection: number; readonly feature: OutputFeature }[];
}

/** What {@link compileJoinSpec} takes. */
export interface JoinRequest {
  readonly features: readonly FeatureRef[];
  readonly asOf: AsOf;
  /** Names every output column `view__feature`. Default false: `feature`. */
  readonly fullFeatureNames?: boolean;
}

/**
 * Compiles a list of features into the joins that answer it.
 * @throws INVALID_REQUEST for an empty list or a join key with two types, FEATURE_NAME_COLLISION, SOURCE_NOT_FOUND for a view without source
 */
export function compileJoinSpec(request: JoinRequest): JoinSpec {
  if (request.features.length === 0) {
    throw new LarderError("INVALID_REQUEST", {
      what: "No feature was asked for",
      remedy: 'Name features as "view:feature", or a feature service that has some',
      facts: { field: "features" },
    });
  }
  const byUse = new Map<string, FeatureRef[]>();
  for (const ref of request.features) {
    const use = JSON.stringify([ref.viewName, ref.view.name, [...ref.joinKeyMap].sort()]);
    const refs = byUse.get(use);
    if (refs === undefined) byUse.set(use, [ref]);
    else refs.push(ref);
  }
  const projections = [...byUse.values()].map((refs) => compileProjection(refs, request));
  const outputs = request.features.map((ref) => {
    const projection = [...byUse.values()].findIndex((refs) => refs.includes(ref));
    const index = [...byUse.values()][projection]!.indexOf(ref);
    return { projection, feature: projections[projection]!.features[index]! };
  });
  refuseCollisions(outputs.map(({ feature }) => feature.output));
  return { asOf: request.asOf, entityKeys: entityKeysOf(projections), projections, outputs };
}

/** Names of output columns may differ in more than case: many readers of Parquet ignore it. @throws FEATURE_NAME_COLLISION */
export function refuseCollisions(outputs: readonly string[], entityColumns: readonly string[] = []): void {
  const seen = new Map(entityColumns.map((column) => [column.toLowerCase(), `the entity rows' column "${column}"`]));
  for (const output of outputs) {
    const other = seen.get(output.toLowerCase());
    if (other !== undefined) {
      throw new LarderError("FEATURE_NAME_COLLISION", {
        what: `The output column "${output}" has the name of ${other}`,
        remedy:
          "Ask for full feature names (view__feature), give a view an alias, or rename the column of the entity rows",
        facts: { field: output },
      });
    }
    seen.set(output.toLowerCase(), `another feature, "${output}"`);
  }
}

function compileProjection(refs: readonly FeatureRef[], request: JoinRequest): JoinProjection {
  const { view, viewName, joinKeyMap } = refs[0]!;
  const source = batchSourceOf(view);
  const weaker = noArrival(source);
  return {
    name: viewName,
    view,
    keys: view.joinKeys.map(({ name, type }) => ({ name, entityColumn: joinKeyMap.get(name) ?? name, type })),
    ttl: view.ttl === undefined || view.ttl === 0 ? undefined : BigInt(view.ttl),
    rule: weaker === undefined ? request.asOf : "event_time",
    ruleReason: request.asOf === "bitemporal" ? weaker : undefined,
    hasArrival: weaker === undefined,
    arrivalStated: source.createdMeans === "arrival",
    features: refs.map(({ feature }) => ({
      feature,
      output: request.fullFeatureNames === true ? `${viewName}__${feature.name}` : feature.name,
      type: feature.type,
    })),
  };
}

/** Why created times of a source do not tell when its rows arrived; undefined where they do. */
export function noArrival(source: BatchSource): string | undefined {
  if (source.createdTimestampColumn === undefined) return "its source has no created_timestamp_column";
  return source.createdMeans === "load_time" ? "its created column means load_time" : undefined;
}

function entityKeysOf(projections: readonly JoinProjection[]): JoinSpec["entityKeys"] {
  const types = new Map<string, KeyType>();
  for (const { name, keys } of projections) {
    for (const { entityColumn, type } of keys) {
      const other = types.get(entityColumn);
      if (other !== undefined && comparedAs(other) !== comparedAs(type)) {
        throw new LarderError("INVALID_REQUEST", {
          what: `The entity rows' column "${entityColumn}" is a join key of type ${other} and, for "${name}", of type ${type}`,
          remedy: "Map one of the join keys to another column (join_key_map)",
          facts: { field: entityColumn },
        });
      }
      if (other === undefined || other === "int32") types.set(entityColumn, type);
    }
  }
  return [...types].map(([column, type]) => ({ column, type }));
}

/** int32 and int64 meet by value. */
function comparedAs(type: KeyType): KeyType {
  return type === "int32" ? "int64" : type;
}
