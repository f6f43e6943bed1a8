import type { Definitions } from "@larder/schema";
import type { Call } from "../call.ts";
import type { MetaValue, RowStore, RowUsage } from "../row-store.ts";

/** What was measured last, and who is measuring, as all processes of a store see it. Times are microseconds since the epoch. */
export interface UsageRecord {
  /** When the walk began that the figures are of; 0: never. */
  readonly measuredAt: number;
  /** Somebody measures until then at most. */
  readonly claimedUntil: number;
  readonly tenants: ReadonlyMap<string, MeasuredTenant>;
}

/** One tenant's figure. */
export interface MeasuredTenant extends RowUsage {
  /** Over its limit, and nothing was left to evict. */
  readonly exhausted: boolean;
}

/** What a tenant takes of its quota. */
export interface TenantUsage {
  readonly tenant: string;
  readonly bytes: number;
  /** Most relative error of `bytes` to be expected. */
  readonly error: number;
  readonly measuredAt: number;
  /** undefined: no limit. */
  readonly maxBytes: number | undefined;
  /** bytes / maxBytes. */
  readonly share: number | undefined;
  /** Whether its writes are refused with QUOTA_EXCEEDED, as far as the figure goes. */
  readonly refused: boolean;
}

const META_NAME = "usage";

/** Nothing is known yet. */
export const UNMEASURED: UsageRecord = { measuredAt: 0, claimedUntil: 0, tenants: new Map() };

/**
 * What the tenants take of their quotas, as it was measured last; a tenant that had no rows then takes nothing. Empty where no tenant has a quota, or
 * none was written to yet: measuring is the writers' work (decorators/quota.ts).
 */
export async function readUsage(
  store: Pick<RowStore, "getMeta">,
  definitions: Definitions,
  call: Call,
): Promise<readonly TenantUsage[]> {
  const { record } = await readRecord(store, definitions.project, call);
  if (record.measuredAt === 0) return [];
  return [...definitions.tenants.values()].map(({ name, maxBytes, onFull }) => {
    const { bytes = 0, error = 0, exhausted = false } = record.tenants.get(name) ?? {};
    return {
      tenant: name,
      bytes,
      error,
      measuredAt: record.measuredAt,
      maxBytes,
      share: maxBytes === undefined ? undefined : bytes / maxBytes,
      refused: maxBytes !== undefined && bytes > maxBytes && (onFull === "refuse" || exhausted),
    };
  });
}

/** The record and its revision. One that cannot be read counts as none: it is a figure, and is measured again. */
export async function readRecord(
  store: Pick<RowStore, "getMeta">,
  project: string,
  call: Call,
): Promise<{ readonly record: UsageRecord; readonly revision: string | undefined }> {
  const found = await store.getMeta({ project }, META_NAME, call);
  return { record: found === undefined ? UNMEASURED : (decode(found) ?? UNMEASURED), revision: found?.revision };
}

/** Writes the record iff it is still the one that was read; answers its revision, or undefined where it is not. */
export function writeRecord(
  store: Pick<RowStore, "putMeta">,
  project: string,
  record: UsageRecord,
  revision: string | undefined,
  call: Call,
): Promise<string | undefined> {
  const text = JSON.stringify({ ...record, tenants: [...record.tenants] });
  return store.putMeta({ project }, META_NAME, Buffer.from(text), revision, call);
}

function decode({ bytes }: MetaValue): UsageRecord | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (!isStored(value)) return undefined;
    return { ...value, tenants: new Map(value.tenants) };
  } catch {
    return undefined;
  }
}

type StoredRecord = Omit<UsageRecord, "tenants"> & { readonly tenants: readonly (readonly [string, MeasuredTenant])[] };

function isStored(value: unknown): value is StoredRecord {
  if (typeof value !== "object" || value === null) return false;
  const { measuredAt, claimedUntil, tenants } = value as Partial<Record<keyof UsageRecord, unknown>>;
  return (
    Number.isFinite(measuredAt) && Number.isFinite(claimedUntil) && Array.isArray(tenants) && tenants.every(isPair)
  );
}

function isPair(value: unknown): value is readonly [string, MeasuredTenant] {
  if (!Array.isArray(value) || typeof value[0] !== "string" || typeof value[1] !== "object") return false;
  const { bytes, count, error, exhausted } = (value[1] ?? {}) as Partial<Record<keyof MeasuredTenant, unknown>>;
  return [bytes, count, error].every(Number.isFinite) && typeof exhausted === "boolean";
}
