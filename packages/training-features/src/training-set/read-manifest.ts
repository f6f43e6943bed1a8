import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { isFeatureMeaning, LarderError } from "@larder/schema";
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
    Array.isArray(output.columns)
  );
}
