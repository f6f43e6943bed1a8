import type { FeatureRef } from "../definitions.ts";
import { canonicalJson } from "../load/hash-definitions.ts";

/**
 * What a feature means to a model that is trained on it: all that decides which value an entity has at a time. Canonical JSON text by aspect; what is
 * not set is absent. Where rows are kept, how long they are served, freshness, defaults and words are no part of it.
 */
export type FeatureMeaning = Readonly<Record<string, string>>;

/** Aspects of a feature's meaning, in the words of the file. */
const ASPECTS: readonly (readonly [string, (ref: FeatureRef) => unknown])[] = [
  ["view", ({ view }) => view.name],
  ["feature", ({ feature }) => feature.name],
  ["type", ({ feature }) => feature.type],
  ["join_keys", ({ view }) => view.joinKeys.map(({ name, type }) => `${name} ${type}`)],
  ["join_key_map", ({ joinKeyMap }) => (joinKeyMap.size === 0 ? undefined : joinKeyMap)],
  ["ttl", ({ view }) => view.ttl],
  ["timestamp_field", ({ view }) => view.source?.timestampField],
  ["created_timestamp_column", ({ view }) => view.source?.createdTimestampColumn],
  ["created_means", ({ view }) => view.source?.createdMeans],
  ["tombstone_column", ({ view }) => view.source?.tombstoneColumn],
  ["field_mapping", sourceColumn],
];

/** What a feature means to a model. */
export function meaningOfFeature(ref: FeatureRef): FeatureMeaning {
  const aspects = ASPECTS.flatMap(([name, of]) => {
    const value = of(ref);
    return value === undefined ? [] : [[name, canonicalJson(value)] as const];
  });
  return Object.fromEntries(aspects);
}

/** Takes a value for a feature's meaning if it has its shape. */
export function isFeatureMeaning(value: unknown): value is FeatureMeaning {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === "string");
}

/** In what two meanings differ, as facts in the words of the file (`type was "int64" and is "float64"`); empty when they are one. */
export function compareFeatureMeanings(before: FeatureMeaning, now: FeatureMeaning): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names]
    .filter((name) => before[name] !== now[name])
    .map((name) => `${name} was ${before[name] ?? "not set"} and is ${now[name] ?? "not set"}`);
}

/** The column that is this feature in the source; what others are called says nothing of it. */
function sourceColumn({ view, feature }: FeatureRef): string | undefined {
  for (const [column, name] of view.source?.fieldMapping ?? []) if (name === feature.name) return column;
  return undefined;
}
