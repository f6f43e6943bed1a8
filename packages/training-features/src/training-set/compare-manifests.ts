import { compareFeatureMeanings } from "@larder/schema";
import type { ManifestInputFile, ManifestView, TrainingSetManifest } from "./manifest.ts";

/** A file or object that is another. */
export interface InputChange {
  /** `entity rows`, or the view's name in the request. */
  readonly of: string;
  readonly path: string;
  readonly change: "changed" | "added" | "removed";
}

/** What was asked for in another way. */
export interface SettingChange {
  readonly setting: string;
  readonly a: string;
  readonly b: string;
}

/** A feature that is not the same on both sides. */
export interface FeatureChange {
  /** `view:feature`. */
  readonly feature: string;
  readonly change: "changed" | "added" | "removed";
  /** In what it changed, as facts: `ttl was 1 and is 2`. */
  readonly what: readonly string[];
}

/** Differences in what two training sets were made from. */
export interface ManifestDifferences {
  readonly definitions: { readonly a: string; readonly b: string; readonly equal: boolean };
  readonly settings: readonly SettingChange[];
  readonly inputs: readonly InputChange[];
  readonly features: readonly FeatureChange[];
}

/** Compares what two manifests say, from `a` to `b`. */
export function compareManifests(a: TrainingSetManifest, b: TrainingSetManifest): ManifestDifferences {
  return {
    definitions: { a: a.definitions_hash, b: b.definitions_hash, equal: a.definitions_hash === b.definitions_hash },
    settings: compareSettings(a, b),
    inputs: compareInputs(a, b),
    features: compareFeatures(a.features, b.features),
  };
}

/** From `a` to `b`. A file that only has another name is the same entity rows. */
export function compareInputs(a: TrainingSetManifest, b: TrainingSetManifest): InputChange[] {
  const changes: InputChange[] = [];
  if (a.entities.sha256 === null || a.entities.sha256 !== b.entities.sha256)
    changes.push({ of: "entity rows", path: b.entities.path, change: "changed" });
  const before = new Map(a.views.map((view, i) => [useOf(view, i), view]));
  for (const [i, view] of b.views.entries()) {
    const other = before.get(useOf(view, i));
    if (other !== undefined) changes.push(...compareFiles(view.name, other.inputs, view.inputs));
  }
  return changes;
}

/** In the order of the columns; `was` may be what is known of features now. */
export function compareFeatures(
  was: TrainingSetManifest["features"],
  is: readonly Pick<TrainingSetManifest["features"][number], "feature" | "meaning">[],
): FeatureChange[] {
  const now = new Map(is.map(({ feature, meaning }) => [feature, meaning]));
  const changes = was.flatMap(({ feature, meaning }): FeatureChange[] => {
    const other = now.get(feature);
    if (other === undefined) return [{ feature, change: "removed", what: [] }];
    const what = compareFeatureMeanings(meaning, other);
    return what.length === 0 ? [] : [{ feature, change: "changed", what }];
  });
  const known = new Set(was.map(({ feature }) => feature));
  const added = is.filter(({ feature }) => !known.has(feature));
  return [...changes, ...added.map(({ feature }) => ({ feature, change: "added" as const, what: [] }))];
}

/** A view may be named twice, through other join keys. */
function useOf({ name, join_keys }: ManifestView, index: number): string {
  const columns = Object.entries(join_keys).map((pair) => pair.join("="));
  return JSON.stringify([name, columns.length === 0 ? index : columns.sort()]);
}

function compareFiles(of: string, a: readonly ManifestInputFile[], b: readonly ManifestInputFile[]): InputChange[] {
  const now = new Map(b.map((file) => [file.path, file]));
  const known = new Set(a.map(({ path }) => path));
  const changes = a.flatMap((file): InputChange[] => {
    const other = now.get(file.path);
    if (other === undefined) return [{ of, path: file.path, change: "removed" }];
    return isSameFile(file, other) ? [] : [{ of, path: file.path, change: "changed" }];
  });
  const added = b.filter(({ path }) => !known.has(path));
  return [...changes, ...added.map(({ path }) => ({ of, path, change: "added" as const }))];
}

/** By content, or where nobody had all the bytes by ETag; of what only a cluster reads rows are all that is known. */
function isSameFile(a: ManifestInputFile, b: ManifestInputFile): boolean {
  if (a.sha256 !== null && b.sha256 !== null) return a.sha256 === b.sha256;
  return a.etag === b.etag && a.rows === b.rows;
}

function compareSettings(a: TrainingSetManifest, b: TrainingSetManifest): SettingChange[] {
  const [before, now] = [settingsOf(a), settingsOf(b)];
  return [...new Set([...before.keys(), ...now.keys()])].flatMap((setting) => {
    const [was, is] = [before.get(setting) ?? "none", now.get(setting) ?? "none"];
    return was === is ? [] : [{ setting, a: was, b: is }];
  });
}

function settingsOf(manifest: TrainingSetManifest): ReadonlyMap<string, string> {
  const { project, tenant, feature_service, as_of, timestamp_column, full_feature_names, engine, split, output } =
    manifest;
  return new Map([
    ["project", project],
    ["tenant", tenant],
    ["feature_service", feature_service ?? "none"],
    ["as_of", as_of],
    ["timestamp_column", timestamp_column],
    ["full_feature_names", String(full_feature_names)],
    ["engine", `${engine.name} ${engine.version}`],
    ["split", split?.how ?? "none"],
    ["partition_by", output.partition_by?.join(", ") ?? "none"],
    ...manifest.views.map(({ name, rule }) => [`rule of ${name}`, rule] as const),
  ]);
}
