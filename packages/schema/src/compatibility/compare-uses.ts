import { type ChangeList, matchByName } from "./change-list.ts";
import { type Meaning, type ModelMeaning, type ReferenceMeaning, type ServiceMeaning, sameMeaning } from "./meaning.ts";

/** Compares feature services: callers name them, and models are fed by them. */
export function compareServices(old: Meaning, now: Meaning, changes: ChangeList): void {
  const { added, removed, both } = matchByName(old.services.map, now.services.map);
  for (const name of added) changes.add("safe", pathOf(name), "added", "Nothing to do");
  for (const name of removed) {
    changes.add(
      "breaking",
      pathOf(name),
      "removed",
      "Keep it until no caller names it: they are answered UNKNOWN_SERVICE",
    );
  }
  for (const [name, before, after] of both) compareService(old, name, before, after, changes);
}

/** Compares models. A model of other inputs has to come with the service it was trained on. */
export function compareModels(old: Meaning, now: Meaning, changes: ChangeList): void {
  const { added, removed, both } = matchByName(old.models.map, now.models.map);
  for (const name of added) changes.add("safe", `models.${name}`, "added", "Nothing to do");
  for (const name of removed) {
    changes.add(
      "breaking",
      `models.${name}`,
      "removed",
      "Keep it until no caller names it: they are answered UNKNOWN_MODEL",
    );
  }
  for (const [name, before, after] of both) {
    const path = `models.${name}`;
    if (before.featureService !== after.featureService || !sameMeaning(before.inputs, after.inputs)) {
      changes.add(
        "breaking",
        path,
        "its inputs take other features",
        "Add a model of another name with the new inputs",
      );
    }
    if (!sameMeaning(before.prediction, after.prediction)) {
      changes.add("breaking", path, "its prediction has another name, output or index", "Add a model of another name");
    }
    compareRequestFeatures(path, before, after, changes);
    if (before.path !== after.path) {
      changes.add(
        "safe",
        path,
        `path changed to ${after.path}`,
        "Compare its predictions; the inputs are checked at start",
      );
    }
    const policies = ["onMissing", "onMissingByFeature", "onStoreFailure"] as const;
    if (policies.some((key) => !sameMeaning(before[key], after[key]))) {
      changes.add("safe", path, "on_missing or on_store_failure changed", "Nothing to do");
    }
  }
}

/** Callers bring them with every row; only one that has a default may come unasked. */
function compareRequestFeatures(path: string, before: ModelMeaning, after: ModelMeaning, changes: ChangeList): void {
  const named = ({ requestFeatures = [] }: ModelMeaning) => requestFeatures.map((each) => [each.name, each] as const);
  const { added, removed, both } = matchByName(named(before), named(after));
  const remedy = "Add a model of another name, and move its callers";
  for (const name of removed) changes.add("breaking", path, `lost the request feature ${name}`, remedy);
  for (const name of added) {
    const optional = after.requestFeatures?.find((each) => each.name === name)?.default !== undefined;
    const what = `gained the request feature ${name}`;
    if (optional) changes.add("safe", path, what, "Nothing to do: it has a default");
    else changes.add("breaking", path, what, "Give it a default, or add a model of another name");
  }
  for (const [name, one, other] of both) {
    if (one.type !== other.type) {
      changes.add("breaking", path, `request feature ${name} was ${one.type} and is ${other.type}`, remedy);
    } else if (one.default !== undefined && other.default === undefined) {
      changes.add("breaking", path, `request feature ${name} lost its default`, remedy);
    } else if (!sameMeaning(one.default, other.default)) {
      changes.add("safe", path, `request feature ${name} has another default`, "Nothing to do");
    }
  }
}

function pathOf(service: string): string {
  return `feature_services.${service}`;
}

function compareService(
  old: Meaning,
  name: string,
  before: ServiceMeaning,
  after: ServiceMeaning,
  changes: ChangeList,
): void {
  const named = ({ features }: ServiceMeaning) => features.map((each) => [keyOf(each), each] as const);
  const { added, removed, both } = matchByName(named(before), named(after));
  const models = old.models.map.filter(([, model]) => model.featureService === name).map(([model]) => model);
  const feeds = models.length === 0 ? "" : `, and it feeds model ${models.join(", ")}`;
  for (const feature of removed) {
    changes.add(
      "breaking",
      pathOf(name),
      `lost ${feature}${feeds}`,
      "Add a service of another name, and move its callers",
    );
  }
  for (const [feature, one, other] of both) {
    if (one.view === other.view && sameMeaning(one.joinKeyMap, other.joinKeyMap)) continue;
    const what = `${feature} comes from another view or other columns of a request${feeds}`;
    changes.add("breaking", pathOf(name), what, "Add a service of another name, and move its callers");
  }
  for (const feature of added) {
    const remedy =
      feeds === "" ? "Nothing to do" : "Nothing to do: a model of another width is refused when it is loaded";
    changes.add("safe", pathOf(name), `gained ${feature}`, remedy);
  }
  const order = both.map(([feature]) => feature);
  const moved = named(after).filter(([feature]) => order.includes(feature));
  if (moved.every(([feature], at) => feature === order[at])) return;
  if (models.length === 0) changes.add("safe", pathOf(name), "features reordered", "Nothing to do: answers name them");
  else {
    const what = `features reordered${feeds}: an input [n, k] takes them in order`;
    changes.add("breaking", pathOf(name), what, "Keep the order, or add a service and a model of other names");
  }
}

function keyOf({ viewName, feature }: ReferenceMeaning): string {
  return `${viewName}:${feature}`;
}
