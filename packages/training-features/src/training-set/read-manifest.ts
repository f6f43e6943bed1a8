import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { hasScheme, isFeatureMeaning, LarderError } from "@larder/schema";
import { MANIFEST_FORMAT, type TrainingSetManifest } from "./manifest.ts";

/** Reads a training set's manifest; undefined for a file of another kind. @throws SOURCE_UNREADABLE */
export async function readManifest(path: string): Promise<TrainingSetManifest | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new LarderError("SOURCE_UNREADABLE", {
      what: `${basename(path)} cannot be read`,
      remedy: "See that it can be",
      facts: { file: path },
      cause,
    });
  }
  if (!text.includes(MANIFEST_FORMAT)) return undefined;
  const value = parse(text);
  if (isManifest(value)) return value;
  throw new LarderError("SOURCE_UNREADABLE", {
    what: `${basename(path)} is no whole manifest`,
    remedy: "Build the training set again",
    facts: { file: path },
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // said by the caller, as for any other text that is no manifest
  }
}

function isManifest(value: unknown): value is TrainingSetManifest {
  if (typeof value !== "object" || value === null) return false;
  const { format, project, tenant, definitions_hash, views, features, output } = value as Partial<TrainingSetManifest>;
  return (
    format === MANIFEST_FORMAT &&
    typeof project === "string" &&
    typeof tenant === "string" &&
    typeof definitions_hash === "string" &&
    Array.isArray(views) &&
    views.every((view) => typeof view?.join_keys === "object" && view.join_keys !== null) &&
    Array.isArray(features) &&
    features.every((each) => typeof each?.feature === "string" && isFeatureMeaning(each.meaning)) &&
    typeof output?.path === "string" &&
    (typeof output.sha256 === "string" || output.sha256 === null) &&
    Array.isArray(output.columns) &&
    (output.files === undefined || filesOfParts(output.files))
  );
}

/**
 * Reads a manifest that says all that a training set can be built again from, or compared by.
 * @throws INVALID_REQUEST for a file of another kind, UNSUPPORTED for one that is not on this machine, SOURCE_UNREADABLE for one that is not whole
 */
export async function readWholeManifest(path: string): Promise<TrainingSetManifest> {
  if (hasScheme(path)) {
    throw new LarderError("UNSUPPORTED", {
      what: `${path} is no file of this machine, where manifests are read from`,
      remedy: "Copy the manifest here, and what it names beside it",
      facts: { file: path },
    });
  }
  const manifest = await readManifest(path);
  if (manifest === undefined) {
    throw new LarderError("INVALID_REQUEST", {
      what: `${path} is no manifest of a training set`,
      remedy: "Name the file that `larder training-set` wrote beside its output, such as train.manifest.json",
      facts: { file: path },
    });
  }
  const wrong = Object.entries(SHAPE).find(([name, fits]) => !fits(Reflect.get(manifest, name)));
  if (wrong === undefined) return manifest;
  throw new LarderError("SOURCE_UNREADABLE", {
    what: `${basename(path)} is no whole manifest: "${wrong[0]}" is missing or not as it is written`,
    remedy: "Build the training set again: an older Larder wrote less, or somebody changed the file",
    facts: { file: path, field: wrong[0] },
  });
}

type Fits = (value: unknown) => boolean;

const text: Fits = (value) => typeof value === "string";
const count: Fits = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const orNull =
  (fits: Fits): Fits =>
  (value) =>
    value === null || fits(value);
const listOf =
  (fits: Fits): Fits =>
  (value) =>
    Array.isArray(value) && value.every(fits);
const record =
  (members: Readonly<Record<string, Fits>>): Fits =>
  (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.entries(members).every(([name, fits]) => fits(Reflect.get(value, name)));
const filesOfParts = orNull(listOf(record({ path: text, sha256: text, rows: count })));
const textByName: Fits = (value) => isFeatureMeaning(value);

/** What of a manifest is relied on beyond {@link isManifest}. */
const SHAPE: Readonly<Record<string, Fits>> = {
  feature_service: orNull(text),
  as_of: (value) => value === "bitemporal" || value === "event_time",
  timestamp_column: text,
  full_feature_names: (value) => typeof value === "boolean",
  engine: record({ name: text, version: text }),
  entities: record({ path: text, sha256: orNull(text), rows: count }),
  views: listOf(
    record({
      name: text,
      rule: text,
      join_keys: textByName,
      inputs: listOf(
        record({ path: text, sha256: orNull(text), rows: count, etag: (value) => value === undefined || text(value) }),
      ),
    }),
  ),
  features: listOf(record({ feature: text, column: text, type: text, meaning: textByName })),
  split: orNull(record({ how: text })),
  output: record({
    path: text,
    sha256: orNull(text),
    rows: count,
    columns: listOf(text),
    partition_by: orNull(listOf(text)),
    files: filesOfParts,
  }),
};
