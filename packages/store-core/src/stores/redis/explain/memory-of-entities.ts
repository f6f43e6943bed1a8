import { slotsFor } from "./hash-size.ts";
import type { EntityBasis } from "./report.ts";

/** Bytes of a server's entities, its tables of keys and expiries included: 8 bytes x slots, which double when they are full (dict.c). */
export function memoryOfEntities(basis: Pick<EntityBasis, "ownBytes" | "expiringShare">, entities: number): number {
  const { ownBytes, expiringShare } = basis;
  return entities * ownBytes + tableBytes(entities) + tableBytes(entities * expiringShare);
}

/** Bytes of the table of so many keys. */
export function tableBytes(keys: number): number {
  return keys > 0 ? 8 * slotsFor(keys) : 0;
}
