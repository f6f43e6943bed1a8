import { listpackEntry, stringSize, tableRounding } from "./hash-size.ts";
import type { MemoryParts } from "./report.ts";
import type { SampledEntity } from "./sample-entities.ts";
import { type ServerMemory, tableShare } from "./server-memory.ts";

/** One row as its layout finds it in a hash. */
export interface RowFacts {
  readonly view: string;
  /** Features that the row can hold; 0 for a tombstone. */
  readonly features: number;
  readonly headerBytes: number;
  readonly valueBytes: number;
  /** Bytes of the names of its fields. */
  readonly nameBytes: number;
  readonly tombstone: boolean;
  readonly dead: boolean;
}

/** What one entity takes. The parts add up to `bytes`. */
export interface EntityWeight extends MemoryParts {
  readonly bytes: number;
  /** Without its share of the tables of keys and expiries, which grow by steps. */
  readonly own: number;
}

/** Server-wide facts that weights go by: those of the first primary, and the keys of all. */
export type WeighedBy = Pick<ServerMemory, "sizes" | "keys" | "expiringKeys">;

/**
 * Adds to MEMORY USAGE what it leaves out: the roundings of the allocator, the expiry, and the share of the tables of keys and expiries. The rest
 * that belongs to no row and no key is the hash's own.
 */
export function weighEntity(entity: SampledEntity, rows: readonly RowFacts[], by: WeighedBy): EntityWeight {
  const { allocated, entry, unseen, expiry } = by.sizes;
  const table = entity.encoding === "hashtable" ? tableRounding(entity.fields?.length ?? 0, allocated) : 0;
  const keyOwn = entry + stringSize(entity.key.length, allocated);
  const own = entity.usage + unseen + table + (entity.expires ? expiry : 0);
  const keyTable = tableShare(by.keys);
  const expiryBytes = entity.expires ? expiry + tableShare(by.expiringKeys) : 0;
  const bytes = own + keyTable + (entity.expires ? tableShare(by.expiringKeys) : 0);
  const header = sumOf(rows, "headerBytes");
  const values = sumOf(rows, "valueBytes");
  const key = keyOwn + keyTable;
  return {
    bytes,
    own,
    header,
    values,
    key,
    expiry: expiryBytes,
    structure: bytes - header - values - key - expiryBytes,
  };
}

/** A row's part of its entity: its own bytes, and of the rest as much as its fields have of all fields, or of the key as one row of all. */
export function rowShare(row: RowFacts, rows: readonly RowFacts[], weight: EntityWeight): number {
  const ofHash = extent(row) / rows.reduce((sum, each) => sum + extent(each), 0);
  return row.headerBytes + row.valueBytes + weight.structure * ofHash + (weight.key + weight.expiry) / rows.length;
}

function extent({ headerBytes, valueBytes, nameBytes }: RowFacts): number {
  return listpackEntry(headerBytes + valueBytes) + nameBytes;
}

function sumOf(rows: readonly RowFacts[], part: "headerBytes" | "valueBytes"): number {
  return rows.reduce((sum, row) => sum + row[part], 0);
}
