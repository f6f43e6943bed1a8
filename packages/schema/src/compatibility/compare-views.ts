import { formatDuration } from "../duration.ts";
import { type ChangeList, matchByName } from "./change-list.ts";
import { type Meaning, type ReferenceMeaning, sameMeaning, type ViewMeaning } from "./meaning.ts";

/** Settings of a view that each process applies for itself, and their names in the file. */
const POLICIES = [
  ["keepStale", "keep_stale"],
  ["maxFuture", "max_future"],
  ["tombstoneRetention", "tombstone_retention"],
  ["partialRows", "partial_rows"],
  ["freshness", "freshness"],
] as const satisfies readonly (readonly [keyof ViewMeaning, string])[];

/** Compares feature views; `old` also tells which services and models use what is gone. */
export function compareViews(old: Meaning, now: Meaning, changes: ChangeList): void {
  const { added, removed, both } = matchByName(old.views.map, now.views.map);
  for (const name of added) {
    changes.add("safe", pathOf(name), "added", "Fill it: `larder materialize`, or push rows");
  }
  for (const name of removed) {
    const users = usersOf(old, (reference) => reference.view === name);
    if (users !== "") changes.add("breaking", pathOf(name), `removed, and used by ${users}`, KEEP);
    else
      changes.add(
        "safe",
        pathOf(name),
        "removed, and no service uses it",
        "Reset its rows before, to free their space",
      );
  }
  for (const [name, before, after] of both) {
    compareJoinKeys(pathOf(name), before, after, changes);
    compareFeatures(old, name, before, after, changes);
    compareTtl(pathOf(name), before, after, changes);
    compareSources(pathOf(name), before, after, changes);
    for (const [key, word] of POLICIES) {
      if (before[key] === after[key]) continue;
      changes.add("safe", pathOf(name), `${word} changed`, "Nothing to do: each process keeps its own rule");
    }
  }
}

/** A longer limit makes rows count again that the store may have dropped. */
export function bringsBack(before: number | undefined, after: number | undefined): boolean {
  return before !== undefined && (after === undefined || after > before);
}

/** A limit in words. */
export function limitText(micros: number | undefined): string {
  return micros === undefined ? "no limit" : formatDuration(micros);
}

const KEEP = "Keep it until no caller asks for it; a new name beside the old one breaks nobody";

function pathOf(view: string): string {
  return `feature_views.${view}`;
}

function compareJoinKeys(path: string, before: ViewMeaning, after: ViewMeaning, changes: ChangeList): void {
  const text = ({ joinKeys }: ViewMeaning) =>
    joinKeys
      .map(({ name, type }) => `${name} ${type}`)
      .sort()
      .join(", ") || "none";
  if (text(before) === text(after)) return;
  changes.add(
    "breaking",
    path,
    `join keys changed from ${text(before)} to ${text(after)}: its rows cannot be found under other keys`,
    "Add a view of another name with the new keys, fill it, move its users, then remove this one",
  );
}

function compareFeatures(
  old: Meaning,
  view: string,
  before: ViewMeaning,
  after: ViewMeaning,
  changes: ChangeList,
): void {
  const named = ({ features }: ViewMeaning) => features.map((feature) => [feature.name, feature] as const);
  const { added, removed, both } = matchByName(named(before), named(after));
  for (const name of added) {
    const how =
      after.partialRows === "refuse" ? "; rows that lack it are refused (partial_rows: absent takes them)" : "";
    changes.add(
      "safe",
      `${pathOf(view)}.${name}`,
      "added",
      `It reads NOT_FOUND until newer rows are written, or the view is reset and filled again${how}`,
    );
  }
  for (const name of removed) {
    const users = usersOf(old, (reference) => reference.view === view && reference.feature === name);
    if (users === "")
      changes.add("safe", `${pathOf(view)}.${name}`, "removed, and no service uses it", "Nothing to do");
    else changes.add("breaking", `${pathOf(view)}.${name}`, `removed, and used by ${users}`, KEEP);
  }
  for (const [name, one, other] of both) {
    if (one.type !== other.type) {
      const what = `type changed from ${one.type} to ${other.type}`;
      const remedy =
        "Reset the view and fill it again: rows of the other type read NOT_FOUND, in old processes and in new ones";
      changes.add("rematerialize", `${pathOf(view)}.${name}`, what, remedy);
    }
    if (!sameMeaning(one.default, other.default)) {
      changes.add("safe", `${pathOf(view)}.${name}`, "default changed", "Nothing to do: it is not stored");
    }
  }
  const order = both.map(([name]) => name);
  const moved = named(after).filter(([name]) => order.includes(name));
  if (moved.some(([name], at) => name !== order[at])) {
    changes.add("safe", pathOf(view), "features reordered", "Nothing to do: rows say which features they hold");
  }
}

function compareTtl(path: string, before: ViewMeaning, after: ViewMeaning, changes: ChangeList): void {
  if (before.onlineTtl !== after.onlineTtl) {
    const what = `online TTL changed from ${limitText(before.onlineTtl)} to ${limitText(after.onlineTtl)}`;
    if (bringsBack(before.onlineTtl, after.onlineTtl)) {
      changes.add("rematerialize", path, what, "Materialize the view again: rows that count again may be gone");
    } else {
      changes.add("safe", path, what, "Nothing to do: rows that are too old now read OUTSIDE_MAX_AGE");
    }
  }
  if (before.ttl !== after.ttl) {
    const what = `TTL of joins changed from ${limitText(before.ttl)} to ${limitText(after.ttl)}`;
    changes.add("safe", path, what, "Build training sets again where it matters");
  }
}

function compareSources(path: string, before: ViewMeaning, after: ViewMeaning, changes: ChangeList): void {
  for (const key of ["source", "stream"] as const) {
    const [one, other] = [before[key], after[key]];
    if (sameMeaning(one, other)) continue;
    if (one === undefined) changes.add("safe", path, `${key} added`, "Fill the view from it");
    else if (other === undefined) changes.add("safe", path, `${key} removed`, "Rows that are stored stay");
    else if (sameMeaning(withoutCreatedMeans(one), withoutCreatedMeans(other))) {
      changes.add("safe", path, "created_means changed", "Build training sets again where it matters");
    } else changes.add("rematerialize", path, `${key} changed`, "Reset the view and fill it again, from the new one");
  }
  if (before.pushSource !== after.pushSource) {
    const what = `push_source changed from "${before.pushSource}" to "${after.pushSource}"`;
    changes.add("breaking", path, what, "Move the producers first; pushes to the old name are refused");
  }
  if (before.timeUnit === after.timeUnit) return;
  if (before.timeUnit === undefined)
    changes.add("safe", path, "time_unit added", "Nothing to do: numbers were refused");
  else {
    const what = `time_unit changed from ${before.timeUnit} to ${after.timeUnit ?? "none"}`;
    changes.add("breaking", path, what, "Move the producers at the same time, or let them send ISO 8601 texts first");
  }
}

/** What a created column means is for joins only: stored rows stay as they are. */
function withoutCreatedMeans(source: object): object {
  return { ...source, createdMeans: undefined };
}

/** The services, and models through them, that use a feature; empty when none does. */
function usersOf({ services, models }: Meaning, uses: (reference: ReferenceMeaning) => boolean): string {
  const using = services.map.filter(([, { features }]) => features.some(uses)).map(([name]) => name);
  const through = models.map.filter(([, model]) => using.includes(model.featureService)).map(([name]) => name);
  const list = (word: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${word}${names.length === 1 ? "" : "s"} ${names.join(", ")}`];
  return [...list("service", using), ...list("model", through)].join(" and ");
}
