import type { FeatureStoreFile } from "../definition-schema.ts";
import type { ProblemList } from "../problem-list.ts";
import type { Loose, ShapedFile } from "./check-shape.ts";

/** The file as far as it has the right shape; what is missing in it has been reported already. */
export type LooseFile = Loose<FeatureStoreFile>;
export type LooseEntity = NonNullable<NonNullable<LooseFile["entities"]>[number]>;
export type LooseView = NonNullable<NonNullable<LooseFile["feature_views"]>[number]>;
export type LooseService = NonNullable<NonNullable<LooseFile["feature_services"]>[number]>;
export type LooseModel = NonNullable<NonNullable<LooseFile["models"]>[number]>;

/** What every check of meaning works with. */
export interface CheckContext {
  readonly file: LooseFile;
  readonly at: ShapedFile<FeatureStoreFile>["at"];
  readonly has: ShapedFile<FeatureStoreFile>["has"];
  readonly problems: ProblemList;
  readonly entities: ReadonlyMap<string, LooseEntity>;
  readonly views: ReadonlyMap<string, LooseView>;
  readonly services: ReadonlyMap<string, LooseService>;
}

/** Indexes the definitions by name and reports names that are used twice. */
export function createCheckContext(
  { value: file, at, has }: ShapedFile<FeatureStoreFile>,
  problems: ProblemList,
): CheckContext {
  const index = <T extends { name?: string | undefined }>(list: readonly (T | undefined)[] | undefined, key: string) =>
    indexByName(list, key, at, problems);
  const context = {
    file,
    at,
    has,
    problems,
    entities: index(file.entities, "entities"),
    views: index(file.feature_views, "feature_views"),
    services: index(file.feature_services, "feature_services"),
  };
  index(file.models, "models");
  return context;
}

/** The elements of a list by name; the first of two equal names counts, the second is a problem. */
export function indexByName<T extends { name?: string | undefined }>(
  list: readonly (T | undefined)[] | undefined,
  path: string,
  at: CheckContext["at"],
  problems: ProblemList,
): ReadonlyMap<string, T> {
  const byName = new Map<string, T>();
  const places = new Map<string, string>();
  list?.forEach((item, i) => {
    const name = item?.name;
    if (item === undefined || name === undefined) return;
    const here = at(`${path}[${i}]`, "name");
    const first = places.get(name);
    if (first !== undefined) problems.add(here, `is "${name}", a name taken at ${first}`, "Use another name");
    else {
      byName.set(name, item);
      places.set(name, here.place);
    }
  });
  return byName;
}

/** Position and element of a list that may have holes where something was wrong. */
export function* present<T>(list: readonly (T | undefined)[] | undefined): Generator<readonly [number, T]> {
  for (const [i, item] of (list ?? []).entries()) if (item !== undefined) yield [i, item];
}
