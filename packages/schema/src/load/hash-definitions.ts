import { createHash } from "node:crypto";
import { relative, sep } from "node:path";
import type { Definitions, ModelFeature } from "../definitions.ts";

/** What the hash is taken of. */
export type HashedParts = Pick<
  Definitions,
  "folder" | "project" | "entities" | "views" | "services" | "models" | "tenants"
>;

/**
 * SHA-256 (hex) over what the definitions mean: project, entities, views, services, models and the TTLs of tenants, defaults filled in. Not over
 * comments, order of keys or of definitions, descriptions, nor where it runs (folder, stores, brokers, server, budgets, quotas).
 */
export function hashDefinitions(parts: HashedParts): string {
  return hashMeaning(meaningText(parts));
}

/** SHA-256 (hex) of a text that {@link meaningText} made. */
export function hashMeaning(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** What the hash is taken over, as canonical JSON: the same definitions give the same text, whatever the order of keys in their files. */
export function meaningText(parts: HashedParts): string {
  const { folder, project, entities, views, services, models, tenants } = parts;
  const meaning = {
    project,
    entities,
    views,
    services,
    models: mapValues(models, ({ predictions, requestFeatures, inputs, ...model }) => ({
      ...model,
      inputs: mapValues(inputs, ({ name, features }) => ({ name, features: features.map(inputMeaning) })),
      prediction: predictions.length === 1 ? predictions[0] : predictions,
      ...(requestFeatures.length === 0 ? {} : { requestFeatures }),
      path: relative(folder, model.path).split(sep).join("/"),
      featureService: model.featureService.name,
    })),
    tenants: mapValues(tenants, ({ ttl }) => ttl),
  };
  return canonicalJson(meaning);
}

/** JSON that is equal text exactly where it is equal in meaning. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, canonical);
}

/** Properties that describe, repeat what others say, depend on the machine or the tenants, belong to a quota or limit, or say how answers are written. */
const LEFT_OUT = new Set([
  "description",
  "owner",
  "tags",
  "place",
  "entities",
  "featureByName",
  "rowDecoder",
  "longTail",
  "topics",
  "tenantOfTopic",
  "descriptorSet",
  "recordLimit",
  "strictFeast",
  "maxVersions",
]);

/** Sorts maps by code unit, keeps lists in order, names views instead of repeating them, and writes what JSON has no form for. */
function canonical(key: string, value: unknown): unknown {
  if (typeof value === "bigint") return { int: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { float: String(value) };
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("base64") };
  if (key === "view" || key === "feature") return Reflect.get(value, "name");
  if (value instanceof Map) return { map: sortByKey([...value]) };
  return Object.fromEntries(sortByKey(Object.entries(value)).filter(([name]) => key === "" || !LEFT_OUT.has(name)));
}

function inputMeaning(feature: ModelFeature): unknown {
  return feature.kind === "stored" ? feature.ref : { request: feature.feature.name };
}

function sortByKey(entries: (readonly [string, unknown])[]): (readonly [string, unknown])[] {
  return entries.sort(([a], [b]) => (a < b ? -1 : 1));
}

function mapValues<T>(map: ReadonlyMap<string, T>, change: (value: T) => unknown): ReadonlyMap<string, unknown> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}
