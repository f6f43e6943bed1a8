import { createHash } from "node:crypto";
import type { FeatureStoreFile } from "../definition-schema.ts";

/** Keys that describe and do not define. */
const DESCRIBING = new Set(["description", "owner", "tags"]);

/**
 * SHA-256 (hex) over what the definitions mean: project, entities, views, services, models and the TTLs of tenants, defaults filled in. Not over
 * comments, order of keys or of definitions, descriptions, nor where it runs (stores, brokers, server, budgets, quotas).
 */
export function hashDefinitions(file: FeatureStoreFile): string {
  const meaning = {
    project: file.project,
    entities: named(file.entities),
    feature_views: named(file.feature_views),
    feature_services: named(file.feature_services),
    models: named(file.models),
    tenants: Object.fromEntries(Object.entries(file.tenants).map(([name, { ttl }]) => [`tenant ${name}`, ttl])),
  };
  return createHash("sha256").update(JSON.stringify(meaning, canonical)).digest("hex");
}

function named<T extends { readonly name: string }>(items: readonly T[]): Readonly<Record<string, T>> {
  return Object.fromEntries(items.map((item) => [item.name, item]));
}

/** Sorts keys by code unit, leaves descriptions out, and writes what JSON has no form for. */
function canonical(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return { int: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { float: String(value) };
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([key]) => !DESCRIBING.has(key));
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
