import type { AfterStep, RowScope, ScannedRow } from "../../row-store.ts";
import { isFailure, type RedisConnection, type Wait } from "./connection.ts";
import { runOverKeys } from "./over-keys.ts";
import { entityKeyOf, rowKey, tenantPrefix, type ViewFields } from "./redis-keys.ts";
import { deleteRows, runOne } from "./scripts.ts";
import type { RedisCommand } from "./wire-command.ts";

/** Keys that one step looks at, and most that one script removes. */
const PAGE_KEYS = 200;
const MAX_SCRIPT_KEYS = 256;

/** Every wait of a long operation: the caller's deadline for the whole, or the store's own for each step. */
export type NextWait = () => Wait;

/**
 * Rows of a scope, page by page. A row that stays where it is meanwhile is seen, and may be seen twice while the server resizes its table. A key
 * of another type than a hash gives one row without bytes.
 */
export async function* scanRows(
  connection: RedisConnection,
  scope: RowScope,
  fields: ViewFields,
  nextWait: NextWait,
): AsyncGenerator<ScannedRow> {
  const prefix = tenantPrefix(scope.project, scope.tenant);
  const field = scope.view === undefined ? undefined : fields.fieldOf(scope.view);
  const pages =
    scope.entityKey === undefined ? scanKeys(connection, prefix, nextWait) : [[rowKey(prefix, scope.entityKey)]];
  for await (const keys of pages) {
    const commands = keys.map(
      (key): RedisCommand => (field === undefined ? ["HGETALL", [key]] : ["HMGET", [key, field]]),
    );
    const replies = await connection.exchange(commands, nextWait());
    for (const [index, reply] of replies.entries()) {
      const entityKey = entityKeyOf(prefix, keys[index] as string);
      if (entityKey === undefined) continue;
      if (isFailure(reply)) {
        if (reply.code !== "WRONGTYPE") throw reply.error;
        yield { view: scope.view ?? fields.viewOf(""), entityKey, bytes: new Uint8Array(0) };
        continue;
      }
      const cells = Array.isArray(reply) ? reply : [];
      for (let i = 0; i < cells.length; i += field === undefined ? 2 : 1) {
        const bytes = cells[field === undefined ? i + 1 : i];
        if (!Buffer.isBuffer(bytes)) continue;
        yield { view: scope.view ?? fields.viewOf(String(cells[i])), entityKey, bytes: Uint8Array.from(bytes) };
      }
    }
  }
}

/** Removes the rows of some entities, or of one view of them, and counts them. */
export async function deleteEntities(
  connection: RedisConnection,
  keys: readonly string[],
  field: string | undefined,
  wait: Wait,
): Promise<number> {
  const args = field === undefined ? [] : [field];
  const runOf = (indexes: readonly number[]) => ({
    script: deleteRows,
    keys: indexes.map((index) => keys[index] as string),
    args,
  });
  const replies = await runOverKeys(connection, keys, runOf, wait);
  return replies.reduce((sum, { reply }) => sum + Number(reply), 0);
}

/**
 * Removes all rows of a tenant, or of one view of it, page by page, and counts them. A key that moves between two nodes of a cluster meanwhile may
 * be missed by both scans, so there it is done again until nothing is found.
 */
export async function deleteTenant(
  connection: RedisConnection,
  prefix: string,
  field: string | undefined,
  nextWait: NextWait,
  afterStep?: AfterStep,
): Promise<number> {
  let removed = 0;
  for (let before = -1; before !== removed; ) {
    before = removed;
    for await (const keys of scanKeys(connection, prefix, nextWait)) {
      removed += await deleteEntities(connection, keys, field, nextWait());
      await afterStep?.(removed);
    }
    if (!connection.sharded) break;
  }
  return removed;
}

/** The row keys of a tenant. Its prefix holds no glob character, so the pattern is exact. */
async function* scanKeys(connection: RedisConnection, prefix: string, nextWait: NextWait): AsyncGenerator<string[]> {
  const options = ["match", `${rowKey(prefix, "*")}`, "count", String(PAGE_KEYS)];
  for (const primary of connection.primaries()) {
    let cursor = "0";
    do {
      const reply = await runOne(primary, ["SCAN", [cursor, ...options]], nextWait());
      const [next, found] = Array.isArray(reply) ? reply : [];
      const keys = Array.isArray(found) ? found.map(String) : [];
      for (let at = 0; at < keys.length; at += MAX_SCRIPT_KEYS) yield keys.slice(at, at + MAX_SCRIPT_KEYS);
      cursor = String(next ?? "0");
    } while (cursor !== "0");
  }
}
