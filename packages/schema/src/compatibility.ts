import { ChangeList, type DefinitionChange, matchByName } from "./compatibility/change-list.ts";
import { compareTenants } from "./compatibility/compare-tenants.ts";
import { compareModels, compareServices } from "./compatibility/compare-uses.ts";
import { compareViews } from "./compatibility/compare-views.ts";
import type { DefinitionsDescription } from "./compatibility/describe-definitions.ts";
import { type Meaning, meaningOf, sameMeaning } from "./compatibility/meaning.ts";

/**
 * What changes when definitions described by `before` are replaced by those of `after`, the gravest changes first. Where a definition stands, on
 * which machine, in which store, and the order of definitions make no difference. Empty when the descriptions are equal.
 */
export function compareDefinitions(
  before: DefinitionsDescription,
  after: DefinitionsDescription,
): readonly DefinitionChange[] {
  const changes = new ChangeList();
  if (before.hash !== after.hash) {
    const [old, now] = [meaningOf(before), meaningOf(after)];
    compareEntities(old, now, changes);
    compareViews(old, now, changes);
    compareServices(old, now, changes);
    compareModels(old, now, changes);
    compareTenants(old, now, changes);
  }
  compareWords(before, after, changes);
  return changes.sorted();
}

/** An entity matters through the views that use it, which are compared by their join keys. */
function compareEntities(old: Meaning, now: Meaning, changes: ChangeList): void {
  const { added, removed, both } = matchByName(old.entities.map, now.entities.map);
  for (const name of added) changes.add("safe", `entities.${name}`, "added", "Nothing to do");
  for (const name of removed) changes.add("safe", `entities.${name}`, "removed", "Nothing to do: see the views");
  for (const [name, before, after] of both) {
    if (sameMeaning(before.joinKeys, after.joinKeys)) continue;
    changes.add("safe", `entities.${name}`, "join keys changed", "See the views of this entity");
  }
}

/** Definitions that are new or gone are reported as such. */
function compareWords(before: DefinitionsDescription, after: DefinitionsDescription, changes: ChangeList): void {
  const known = (path: string) => definedIn(before, path) && definedIn(after, path);
  const paths = new Set([...Object.keys(before.words), ...Object.keys(after.words)]);
  for (const path of [...paths].sort()) {
    if (before.words[path] === after.words[path] || !known(path)) continue;
    changes.add("safe", path, "description, owner or tags changed", "Nothing to do");
  }
}

function definedIn(description: DefinitionsDescription, path: string): boolean {
  return definedPaths(description).has(path);
}

const paths = new WeakMap<DefinitionsDescription, ReadonlySet<string>>();

function definedPaths(description: DefinitionsDescription): ReadonlySet<string> {
  let found = paths.get(description);
  if (found === undefined) {
    const { entities, views, services, models } = meaningOf(description);
    found = new Set([
      ...entities.map.map(([name]) => `entities.${name}`),
      ...views.map.flatMap(([name, { features }]) => [
        `feature_views.${name}`,
        ...features.map((feature) => `feature_views.${name}.${feature.name}`),
      ]),
      ...services.map.map(([name]) => `feature_services.${name}`),
      ...models.map.map(([name]) => `models.${name}`),
    ]);
    paths.set(description, found);
  }
  return found;
}
