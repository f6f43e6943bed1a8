import { relativeError } from "../measure-tenants.ts";
import type { KeySample } from "../sample-keys.ts";
import type { ExplainedLayout } from "./layout.ts";
import type { GroupReport, MemoryParts, ViewReport } from "./report.ts";
import type { SampledEntity } from "./sample-entities.ts";
import { type EntityWeight, type RowFacts, rowShare, type WeighedBy, weighEntity } from "./weigh-entity.ts";

/** How many of the largest entities are named. */
const BIGGEST = 5;

const PARTS = ["values", "header", "structure", "key", "expiry"] as const satisfies readonly (keyof MemoryParts)[];

/** An entity with what was found in it. */
export interface WeighedEntity {
  readonly entity: SampledEntity;
  readonly rows: readonly RowFacts[];
  readonly weight: EntityWeight;
  /** How many entities of its group it stands for. */
  readonly times: number;
}

/** Weighs the sampled entities of a group of `entities`. */
export function weighAll(
  group: string,
  entities: number,
  sampled: readonly SampledEntity[],
  layout: ExplainedLayout,
  by: WeighedBy,
): readonly WeighedEntity[] {
  return sampled.map((entity) => {
    const rows = layout.rowsOf(group, entity);
    return { entity, rows, weight: weighEntity(entity, rows, by), times: entities / sampled.length };
  });
}

/** Sums a group up: what the sample has, times as many entities as there are for each of the sample. */
export function summarizeGroup(
  group: string,
  { count: entities, countError }: Pick<KeySample, "count" | "countError">,
  weighed: readonly WeighedEntity[],
  layout: ExplainedLayout,
): GroupReport {
  const sampled = weighed.length;
  const scale = entities / sampled;
  const sum = (of: (each: WeighedEntity) => number) => weighed.reduce((total, each) => total + of(each), 0);
  const bytes = sum(({ weight }) => weight.bytes);
  const squares = sum(({ weight }) => weight.bytes ** 2);
  const features = sum(({ rows }) => rows.reduce((total, row) => total + row.features, 0));
  const share = (of: (entity: SampledEntity) => boolean) => sum(({ entity }) => (of(entity) ? 1 : 0)) / sampled;
  const parts = Object.fromEntries(PARTS.map((part) => [part, Math.round(sum(({ weight }) => weight[part]) * scale)]));
  return {
    ...layout.describe(group),
    entities,
    sampled,
    bytes: Math.round(bytes * scale),
    error: Math.hypot(countError, relativeError(sampled, entities, bytes, squares)),
    bytesPerEntity: bytes / sampled,
    bytesPerFeature: features === 0 ? 0 : bytes / features,
    parts: parts as Record<(typeof PARTS)[number], number>,
    listpackShare: share(({ encoding }) => encoding === "listpack"),
    hashtableShare: share(({ encoding }) => encoding === "hashtable"),
    expiringShare: share(({ expires }) => expires),
    views: summarizeViews(weighed, scale),
    biggest: weighed
      .toSorted((a, b) => b.weight.bytes - a.weight.bytes)
      .slice(0, BIGGEST)
      .map(({ entity, weight }) => ({ entity: layout.entityOf(group, entity), bytes: Math.round(weight.bytes) })),
  };
}

interface ViewSum {
  rows: number;
  tombstones: number;
  expiring: number;
  dead: number;
  bytes: number;
  liveBytes: number;
  features: number;
}

function summarizeViews(weighed: readonly WeighedEntity[], scale: number): readonly ViewReport[] {
  const sums = new Map<string, ViewSum>();
  for (const { entity, rows, weight } of weighed) {
    for (const row of rows) {
      const zero = { rows: 0, tombstones: 0, expiring: 0, dead: 0, bytes: 0, liveBytes: 0, features: 0 };
      const sum = sums.get(row.view) ?? zero;
      sums.set(row.view, sum);
      const bytes = rowShare(row, rows, weight);
      sum.rows++;
      sum.bytes += bytes;
      sum.features += row.features;
      if (row.features > 0) sum.liveBytes += bytes;
      if (row.tombstone) sum.tombstones++;
      if (entity.expires) sum.expiring++;
      if (row.dead) sum.dead++;
    }
  }
  return [...sums]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([view, sum]) => ({
      view,
      rows: Math.round(sum.rows * scale),
      tombstones: Math.round(sum.tombstones * scale),
      expiring: Math.round(sum.expiring * scale),
      dead: Math.round(sum.dead * scale),
      bytes: Math.round(sum.bytes * scale),
      bytesPerRow: sum.bytes / sum.rows,
      bytesPerFeature: sum.features === 0 ? 0 : sum.liveBytes / sum.features,
    }));
}
