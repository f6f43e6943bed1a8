import { FeatureStoreFile } from "../definition-schema.ts";
import type { ProblemList } from "../problem-list.ts";
import type { ListNode, MapEntry, MapNode, PlacedNode } from "../yaml/placed-node.ts";
import { suggest } from "./nearest.ts";

/** What an included file may hold. */
const MERGED = ["entities", "feature_views", "feature_services", "models", "tenants"];

/** Puts the definitions of included files behind those of the main one; each keeps the place where it stands. */
export function mergeFiles(main: MapNode, included: readonly PlacedNode[], problems: ProblemList): MapNode {
  const entries = new Map(main.entries);
  for (const file of included) {
    if (file.kind !== "map") {
      if (file.kind !== "broken") problems.add(file, "is not a map", `Write keys such as ${MERGED.join(", ")}`);
      continue;
    }
    for (const [key, entry] of file.entries) {
      if (MERGED.includes(key)) entries.set(key, mergeEntry(entries.get(key), entry, problems));
      else refuse(key, entry, problems);
    }
  }
  return { ...main, entries };
}

function refuse(key: string, entry: MapEntry, problems: ProblemList): void {
  if (Object.hasOwn(FeatureStoreFile.properties, key)) {
    problems.add(entry.key, "is not read in an included file", "Move it to the main file");
  } else {
    problems.add(entry.key, `is not a key here (${JSON.stringify(key.slice(0, 60))})`, suggest(key, MERGED, ""));
  }
}

function mergeEntry(before: MapEntry | undefined, added: MapEntry, problems: ProblemList): MapEntry {
  const first = before?.value;
  const second = added.value;
  if (before === undefined || first === undefined) return added;
  if (first.kind === "list" && second.kind === "list") {
    return { key: before.key, value: { ...first, items: [...first.items, ...second.items] } satisfies ListNode };
  }
  if (first.kind === "map" && second.kind === "map")
    return { key: before.key, value: mergeMaps(first, second, problems) };
  if (second.kind !== "broken" && first.kind !== "broken") {
    problems.add(second, `does not fit the ${first.kind} at ${first.place}`, "Write both as lists, or both as maps");
  }
  return before;
}

function mergeMaps(first: MapNode, second: MapNode, problems: ProblemList): MapNode {
  const entries = new Map(first.entries);
  for (const [key, entry] of second.entries) {
    const before = entries.get(key);
    if (before === undefined) entries.set(key, entry);
    else problems.add(entry.key, `repeats a key (first at ${before.key.place})`, "Keep one of them");
  }
  return { ...first, entries };
}
