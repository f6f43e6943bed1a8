import type { At } from "../problem-list.ts";
import { type CheckContext, type LooseService, present } from "./check-context.ts";
import { suggest } from "./nearest.ts";

/** One feature of a service by its names, as far as the file tells. */
export interface ServiceFeature {
  /** View name or alias. */
  readonly viewName: string;
  readonly view: string;
  readonly feature: string;
  readonly aliased: boolean;
  readonly type: string | undefined;
}

/** The features of a service; not complete where something in it is wrong, so that more cannot be missed in it. */
export interface ServiceFeatures {
  readonly features: readonly ServiceFeature[];
  readonly complete: boolean;
  /** The columns that a request brings for them. */
  readonly columns: ReadonlySet<string>;
}

/** Checks what feature services mean, and answers their features by the service's name. */
export function checkServices(context: CheckContext): ReadonlyMap<string, ServiceFeatures> {
  const features = new Map<string, ServiceFeatures>();
  for (const [i, service] of present(context.file.feature_services)) {
    const found = new ServiceCheck(context, service, `feature_services[${i}].features`).run();
    if (service.name !== undefined && !features.has(service.name)) features.set(service.name, found);
  }
  return features;
}

class ServiceCheck {
  readonly #context: CheckContext;
  readonly #service: LooseService;
  readonly #path: string;
  readonly #features: ServiceFeature[] = [];
  #complete: boolean;
  /** Short name in an answer -> the feature, or the join key of a view, that has it. */
  readonly #answers = new Map<string, { readonly what: string; readonly aliased: boolean }>();
  /** `view__feature`, as answers with full names have it. */
  readonly #fullNames = new Map<string, string>();
  /** View name or alias -> the view it stands for. */
  readonly #viewNames = new Map<string, string>();
  /** Column of the request -> its type and the view that asks for it. */
  readonly #columns = new Map<string, { readonly type: string | undefined; readonly view: string }>();

  constructor(context: CheckContext, service: LooseService, path: string) {
    this.#context = context;
    this.#service = service;
    this.#path = path;
    this.#complete = isWhole(service.features);
  }

  run(): ServiceFeatures {
    for (const [i, item] of present(this.#service.features)) {
      const path = `${this.#path}[${i}]`;
      if (typeof item === "string") this.#addReference(item, path);
      else if (item.view !== undefined) this.#addProjection({ ...item, view: item.view }, path);
    }
    for (const { view, viewName, feature, aliased } of this.#features) {
      const column = this.#columns.get(feature);
      if (column === undefined || aliased) continue;
      const what = `has the feature "${view}:${feature}" and asks for a join key of that name`;
      this.#context.problems.add(
        this.#context.at(this.#path),
        what,
        `Take "${viewName}" as a projection with a name_alias`,
      );
    }
    return { features: this.#features, complete: this.#complete, columns: new Set(this.#columns.keys()) };
  }

  #addReference(reference: string, path: string): void {
    const [viewName = "", feature = ""] = reference.split(":");
    const at = this.#context.at(path);
    if (this.#findView(viewName, at) === undefined) return;
    this.#viewNames.set(viewName, viewName);
    this.#addColumns(viewName, {}, at);
    this.#addFeature(viewName, viewName, feature, false, at);
  }

  #addProjection(
    item: { view: string } & Exclude<NonNullable<LooseService["features"]>[number], string | undefined>,
    path: string,
  ): void {
    const viewAt = this.#context.at(path, "view");
    const view = this.#findView(item.view, viewAt);
    if (view === undefined) return;
    const viewName = item.name_alias ?? item.view;
    const aliased = item.name_alias !== undefined;
    const other = this.#viewNames.get(viewName);
    if (other !== undefined && other !== item.view) {
      const at = this.#context.at(path, aliased ? "name_alias" : "view");
      this.#context.problems.add(
        at,
        `is "${viewName}", which stands for the view "${other}" already`,
        "Use another name_alias",
      );
    }
    this.#viewNames.set(viewName, item.view);
    this.#addColumns(item.view, item.join_key_map ?? {}, viewAt, path);
    if (item.features === undefined) {
      for (const [, { name }] of present(view.features)) {
        if (name !== undefined) this.#addFeature(item.view, viewName, name, aliased, viewAt);
      }
    }
    for (const [k, name] of present(item.features)) {
      this.#addFeature(item.view, viewName, name, aliased, this.#context.at(`${path}.features[${k}]`));
    }
  }

  #findView(name: string, at: At) {
    const { views, problems } = this.#context;
    const view = views.get(name);
    if (view !== undefined) return view;
    const remedy = suggest(name, [...views.keys()], "Declare it under feature_views");
    problems.add(at, `names the feature view "${name}", which does not exist`, remedy);
    this.#complete = false;
    return undefined;
  }

  #addFeature(viewOf: string, viewName: string, feature: string, aliased: boolean, at: At): void {
    const { views, problems } = this.#context;
    const list = views.get(viewOf)?.features;
    const known = [...present(list)].map(([, each]) => each);
    const found = known.find(({ name }) => name === feature);
    if (found === undefined) {
      this.#complete = false;
      if (!isWhole(list) || known.some(({ name }) => name === undefined)) return;
      const names = [...new Set(known.flatMap(({ name }) => name ?? []))];
      const remedy = suggest(feature, names, "Declare the view's features");
      problems.add(at, `names the feature "${feature}", which the view "${viewOf}" does not have`, remedy);
      return;
    }
    if (this.#features.some((each) => each.viewName === viewName && each.feature === feature)) {
      problems.add(
        at,
        `brings "${viewName}:${feature}" a second time`,
        "Keep one of them, or give one projection a name_alias",
      );
      return;
    }
    const fullName = `${viewName}__${feature}`;
    const same = this.#fullNames.get(fullName);
    if (same !== undefined) {
      problems.add(
        at,
        `is "${fullName}" in answers with full names, as "${same}" is`,
        "Give one projection a name_alias",
      );
    }
    this.#fullNames.set(fullName, `${viewName}:${feature}`);
    const taken = this.#answers.get(feature);
    if (taken !== undefined && !taken.aliased && !aliased) {
      const what = `brings "${viewName}:${feature}", and ${taken.what} has the same name in answers`;
      problems.add(at, what, "Drop one, or take one as a projection with a name_alias and ask with full_feature_names");
    }
    this.#answers.set(feature, { what: `"${viewName}:${feature}"`, aliased });
    this.#features.push({ view: viewOf, viewName, feature, aliased, type: found.type });
  }

  /** The request columns of a view, after its join key map. */
  #addColumns(view: string, map: Readonly<Record<string, string | undefined>>, at: At, path?: string): void {
    const { problems } = this.#context;
    const keys = joinKeysOf(this.#context, view);
    for (const key of Object.keys(map)) {
      if (keys.some(({ name }) => name === key) || path === undefined) continue;
      const remedy = suggest(
        key,
        keys.map(({ name }) => name),
        "Remove it: the view has no join keys",
      );
      problems.add(this.#context.at(`${path}.join_key_map`, key), `is no join key of "${view}"`, remedy);
    }
    const mine = new Set<string>();
    for (const { name, type } of keys.filter((key, i) => keys.findIndex((each) => each.name === key.name) === i)) {
      const column = (Object.hasOwn(map, name) ? map[name] : undefined) ?? name;
      if (mine.has(column))
        problems.add(at, `takes two join keys from the column "${column}"`, "Map each to its own column");
      mine.add(column);
      const before = this.#columns.get(column);
      if (before !== undefined && before.type !== type && before.type !== undefined && type !== undefined) {
        const what = `takes the column "${column}" as ${type}, and "${before.view}" takes it as ${before.type}`;
        problems.add(at, what, "Give one of them another column with join_key_map");
      }
      this.#columns.set(column, { type, view });
    }
  }
}

/** False for a list that is broken, or has something broken in it: what it lacks may be just that. */
function isWhole(list: readonly unknown[] | undefined): boolean {
  return list !== undefined && !list.includes(undefined);
}

function joinKeysOf({ views, entities }: CheckContext, view: string) {
  const found = views.get(view);
  const names = [found?.entity, ...(found?.entities ?? [])].filter((name) => name !== undefined);
  const keys = names.flatMap((name) => [...present(entities.get(name)?.join_keys)].map(([, key]) => key));
  return keys.flatMap(({ name, type }) => (name === undefined ? [] : [{ name, type }]));
}
