import { listpackHash, stringSize, stringValue, tableHash } from "./hash-size.ts";
import type { Alternative } from "./report.ts";
import type { SampledEntity } from "./sample-entities.ts";
import { type ServerMemory, tableShare } from "./server-memory.ts";
import type { WeighedEntity } from "./summarize-group.ts";

/** Limits that are tried: more saves little and makes a hash slow to read. */
const LIMITS = [64, 128, 256, 512, 1024];

/** Of Redis 7, where the user may not ask. */
const DEFAULT_ENTRIES = 512;
const DEFAULT_VALUE = 64;

/** An entity as another layout would hold it. */
export interface OtherHash {
  readonly keyBytes: number;
  readonly fields: readonly { readonly name: number; readonly value: number }[];
}

/** What alternatives are worked out from. */
export interface AlternativesInput {
  readonly weighed: readonly WeighedEntity[];
  readonly server: ServerMemory;
  /** Keys and expiring keys of a primary. */
  readonly keys: number;
  readonly expiringKeys: number;
  /** The project's entities on a primary. */
  readonly entities: number;
  /** The hashes that Feast's layout makes of an entity; undefined for one whose rows cannot be read, and without this for Feast's layout itself. */
  readonly asFeast: ((entity: SampledEntity) => readonly OtherHash[] | undefined) | undefined;
}

/**
 * What the sampled entities would take with another hash-max-listpack-value (after they are written again, or restored from a dump) and in other
 * layouts: a string per row, and Feast's. By the sizes of hash-size.ts; docs/adr/0002-redis-layout.md has the same by measurement.
 */
export function alternativesFor(input: AlternativesInput): readonly Alternative[] {
  // What is too large to be read is too large for any of this.
  const weighed = input.weighed.filter(({ entity }) => entity.fields !== undefined);
  if (weighed.length === 0) return [];
  const total = (bytesOf: (each: WeighedEntity) => number) =>
    weighed.reduce((sum, each) => sum + bytesOf(each) * each.times, 0);
  const [today, entities] = [total(({ weight }) => weight.bytes), total(() => 1)];
  const alternative = (name: string, listpackValue: number | undefined, bytesOf: (each: WeighedEntity) => number) => {
    const bytes = total(bytesOf);
    return { name, listpackValue, bytesPerEntity: bytes / entities, saves: 1 - bytes / today };
  };
  const found: Alternative[] = LIMITS.map((limit) =>
    alternative(`hash-max-listpack-value ${limit}`, limit, (each) => underLimit(each, limit, input)),
  );
  const { asFeast } = input;
  if (asFeast === undefined) return found;
  const rows = total(({ entity }) => entity.fields?.length ?? 0) / entities;
  found.push(alternative("a string per row", undefined, (each) => asStrings(each, rows, input)));
  if (weighed.every(({ entity }) => asFeast(entity) !== undefined)) {
    const bytesOf = ({ entity }: WeighedEntity) => asHashes(entity, asFeast(entity) ?? [], input);
    found.push(alternative("layout: feast", undefined, bytesOf));
  }
  return found;
}

/** The setting that saves at least a hundredth and nearly as much as any: the smallest such limit; undefined where none is worth while. */
export function bestLimit(alternatives: readonly Alternative[]): Alternative | undefined {
  const limits = alternatives.filter(({ listpackValue }) => listpackValue !== undefined);
  const most = Math.max(...limits.map(({ saves }) => saves));
  return most < 0.01 ? undefined : limits.find(({ saves }) => saves > most - 0.01);
}

function underLimit({ entity, weight }: WeighedEntity, limit: number, { server }: AlternativesInput): number {
  const fields = lengthsOf(entity);
  const compact = isCompact(fields, limit, server.listpackEntries);
  if (compact === (entity.encoding === "listpack")) return weight.bytes;
  const { allocated } = server.sizes;
  const [listpack, table] = [listpackHash(fields, allocated), tableHash(fields, allocated)];
  return weight.bytes + (compact ? listpack - table : table - listpack);
}

function asStrings({ entity }: WeighedEntity, rows: number, input: AlternativesInput): number {
  const { allocated, entry } = input.server.sizes;
  const { keys, expiringKeys, entities } = input;
  const more = entities * (rows - 1);
  const expiry = entity.expires ? input.server.sizes.expiry + tableShare(expiringKeys + more) : 0;
  return lengthsOf(entity).reduce(
    (sum, { name, value }) =>
      sum +
      entry +
      tableShare(keys + more) +
      expiry +
      // The key of an entity's hash, a colon and the field.
      stringSize(entity.key.length + 1 + name, allocated) +
      stringValue(value, allocated),
    0,
  );
}

function asHashes(entity: SampledEntity, hashes: readonly OtherHash[], input: AlternativesInput): number {
  const { sizes, listpackEntries, listpackValue = DEFAULT_VALUE } = input.server;
  const { allocated, entry } = sizes;
  const expiry = entity.expires ? sizes.expiry + tableShare(input.expiringKeys) : 0;
  return hashes.reduce((sum, { keyBytes, fields }) => {
    const hash = isCompact(fields, listpackValue, listpackEntries) ? listpackHash : tableHash;
    return sum + entry + tableShare(input.keys) + expiry + stringSize(keyBytes, allocated) + hash(fields, allocated);
  }, 0);
}

/** Whether Redis keeps a hash as a listpack. */
export function isCompact(fields: OtherHash["fields"], limit: number, entries = DEFAULT_ENTRIES): boolean {
  return fields.length <= entries && fields.every(({ name, value }) => name <= limit && value <= limit);
}

/** Lengths of an entity's fields; none for one too large to be read. */
export function lengthsOf({ fields = [] }: SampledEntity): OtherHash["fields"] {
  return fields.map(([name, value]) => ({ name: name.length, value: value.length }));
}
