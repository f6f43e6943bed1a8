import type { FeatureRef, FeatureView, JoinKey } from "@larder/schema";

/**
 * A feature list, compiled once: which views, which join keys, which column comes from where. Nothing parses names or configuration per request.
 */
export interface ReadPlan {
  readonly project: string;
  /** The features in the order they were asked for, with their output names. */
  readonly columns: readonly PlanColumn[];
  /** The distinct (view, join key map) pairs, grouped by the join-key columns they share. `PlanColumn.view` is an index into this list. */
  readonly views: readonly PlanView[];
  readonly groups: readonly PlanGroup[];
  /** Every column the entity rows must bring, in order of first use. */
  readonly joinKeys: readonly JoinKey[];
}

/** One output column. */
export interface PlanColumn {
  /** `feature`, or `view__feature` with full names. */
  readonly name: string;
  readonly ref: FeatureRef;
  /** Index into `plan.views`. */
  readonly view: number;
}

/** One view as the plan reads it. */
export interface PlanView {
  readonly view: FeatureView;
  /** Index into `plan.groups`, and position inside that group. */
  readonly group: number;
  readonly position: number;
  /** How many of the plan's columns come from it. */
  readonly columnCount: number;
}

/** Views whose entity keys come from the same request columns. */
export interface PlanGroup {
  /** Request columns in canonical order (join keys of the view sorted by code point). */
  readonly columns: readonly JoinKey[];
  readonly views: readonly FeatureView[];
}

/** The entity rows of one request, encoded: one list of keys per `plan.groups[i]`, all `rowCount` long. */
export interface EntityKeys {
  readonly rowCount: number;
  readonly groups: readonly (readonly string[])[];
}
