import { type Definitions, type FeatureRef, type JoinKey, LarderError } from "@larder/schema";
import { sortedJoinKeys } from "../keys/entity-key.ts";
import type { PlanColumn, PlanGroup, PlanView, ReadPlan } from "./read-plan.ts";

/**
 * Compiles a feature list. Output names are `feature`, or `view__feature` with `fullFeatureNames`.
 * @throws INVALID_REQUEST for an empty list, FEATURE_NAME_COLLISION when two columns, or a column and a join key, would have one name
 */
export function createReadPlan(
  definitions: Pick<Definitions, "project">,
  refs: readonly FeatureRef[],
  options: { readonly fullFeatureNames: boolean },
): ReadPlan {
  if (refs.length === 0) {
    throw new LarderError("INVALID_REQUEST", {
      what: "The list of features is empty",
      remedy: 'Name at least one feature as "view:feature", or a feature service',
      facts: { field: "features" },
    });
  }
  const groups = new Map<string, { columns: readonly JoinKey[]; views: FeatureRef["view"][]; index: number }>();
  const views = new Map<string, number>();
  const planViews: (PlanView & { columnCount: number })[] = [];
  const joinKeys = new Map<string, JoinKey>();
  const columns: PlanColumn[] = [];

  for (const ref of refs) {
    const requested = requestColumns(ref);
    const groupId = JSON.stringify(requested.map(({ name, type }) => [name, type]));
    let group = groups.get(groupId);
    if (group === undefined) {
      group = { columns: requested, views: [], index: groups.size };
      groups.set(groupId, group);
      for (const key of requested) if (!joinKeys.has(key.name)) joinKeys.set(key.name, key);
    }
    const viewId = JSON.stringify([ref.view.name, groupId]);
    let view = views.get(viewId);
    if (view === undefined) {
      view = planViews.length;
      views.set(viewId, view);
      planViews.push({ view: ref.view, group: group.index, position: group.views.length, columnCount: 0 });
      group.views.push(ref.view);
    }
    (planViews[view] as { columnCount: number }).columnCount++;
    columns.push({
      name: options.fullFeatureNames ? `${ref.viewName}__${ref.feature.name}` : ref.feature.name,
      ref,
      view,
    });
  }
  refuseCollisions(columns, joinKeys);
  return {
    project: definitions.project,
    columns,
    views: planViews,
    groups: [...groups.values()].map(({ columns, views }): PlanGroup => ({ columns, views })),
    joinKeys: [...joinKeys.values()],
  };
}

/** The columns a request brings for this view, in the order their values have inside a key. */
function requestColumns(ref: FeatureRef): JoinKey[] {
  return sortedJoinKeys(ref.view).map(({ name, type }) => ({ name: ref.joinKeyMap.get(name) ?? name, type }));
}

function refuseCollisions(columns: readonly PlanColumn[], joinKeys: ReadonlyMap<string, JoinKey>): void {
  const seen = new Map<string, PlanColumn>();
  for (const column of columns) {
    if (joinKeys.has(column.name)) {
      throw new LarderError("FEATURE_NAME_COLLISION", {
        what: `"${column.name}" is the name of a feature of ${column.ref.viewName} and of a join key`,
        remedy: "Ask with full_feature_names, which names columns view__feature",
        facts: { field: "features", name: column.name },
      });
    }
    const other = seen.get(column.name);
    seen.set(column.name, column);
    if (other === undefined) continue;
    throw new LarderError("FEATURE_NAME_COLLISION", {
      what: `"${column.name}" is asked for twice, from ${other.ref.viewName} and ${column.ref.viewName}`,
      remedy:
        other.ref.viewName === column.ref.viewName
          ? "Ask for it once"
          : "Ask with full_feature_names, which names columns view__feature",
      facts: { field: "features", name: column.name },
    });
  }
}
