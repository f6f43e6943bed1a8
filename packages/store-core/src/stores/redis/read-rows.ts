import type { RowGet, RowSlices } from "../../row-store.ts";
import type { RedisConnection, Wait } from "./connection.ts";
import { type Gather, gatherCells } from "./gather-cells.ts";
import { rowKey } from "./redis-keys.ts";

/** How a read is done. */
export interface ReadOptions {
  /** What the tenant's row keys start with. */
  readonly prefix: string;
  readonly fieldOf: (view: string) => string;
  readonly gather: Gather;
}

/**
 * Reads entity keys x views in one round trip, whatever their number. A key that holds another type than a hash has empty cells: no row is empty,
 * so that it reads as undecodable.
 */
export function readRows(
  connection: RedisConnection,
  request: RowGet,
  { prefix, fieldOf, gather }: ReadOptions,
  wait: Wait,
): Promise<RowSlices> {
  const groups = request.groups.map(({ views, entityKeys }) => ({
    keys: entityKeys.map((entityKey) => rowKey(prefix, entityKey)),
    fields: views.map(fieldOf),
  }));
  return gatherCells(connection, groups, gather, wait);
}
