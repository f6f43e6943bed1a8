import type { PagedRow, PageScope, RowPage } from "../../row-store.ts";
import { isFailure, type RedisConnection, type Wait } from "./connection.ts";
import { projectPrefix, rowKey, rowKeyParts, tenantPrefix, type ViewFields } from "./redis-keys.ts";
import { runOne } from "./scripts.ts";
import type { RedisCommand } from "./wire-command.ts";

/** Keys that one page looks at: about a millisecond of Redis's one thread, in many short commands. */
const PAGE_KEYS = 200;

/**
 * One page of a walk over all primaries, one after the other in the order of their addresses. The cursor is the address of the primary and its own
 * cursor. A primary that left since is taken up again from the first: what is seen twice does no harm. Keys of another type hold no rows.
 */
export async function pageRows(
  connection: RedisConnection,
  scope: PageScope,
  cursor: string | undefined,
  fields: ViewFields,
  wait: Wait,
): Promise<RowPage> {
  const found = await pageKeys(connection, scope, cursor, PAGE_KEYS, wait);
  const field = scope.view === undefined ? undefined : fields.fieldOf(scope.view);
  const replies = await connection.exchange(
    found.keys.map((key): RedisCommand => (field === undefined ? ["HGETALL", [key]] : ["HMGET", [key, field]])),
    wait,
  );
  const rows: PagedRow[] = [];
  for (const [index, reply] of replies.entries()) {
    const parts = rowKeyParts(scope.project, found.keys[index] as string);
    if (isFailure(reply) && reply.code !== "WRONGTYPE") throw reply.error;
    if (parts === undefined || !Array.isArray(reply)) continue;
    for (let i = 0; i < reply.length; i += field === undefined ? 2 : 1) {
      const bytes = reply[field === undefined ? i + 1 : i];
      if (!Buffer.isBuffer(bytes)) continue;
      rows.push({ ...parts, view: scope.view ?? fields.viewOf(String(reply[i])), bytes: Uint8Array.from(bytes) });
    }
  }
  return { rows, next: found.next };
}

/** The row keys of one page of a walk, the primary that has them, and where to go on. */
async function pageKeys(
  connection: RedisConnection,
  { project, tenant }: PageScope,
  cursor: string | undefined,
  count: number,
  wait: Wait,
): Promise<{ readonly keys: readonly string[]; readonly primary: RedisConnection; readonly next: string | undefined }> {
  const primaries = connection.primaries().toSorted((a, b) => (a.server < b.server ? -1 : 1));
  // From its end: the path of a unix socket may hold spaces.
  const space = cursor?.lastIndexOf(" ") ?? -1;
  const from = cursor?.slice(space + 1) ?? "0";
  const known = primaries.findIndex((each) => each.server === cursor?.slice(0, space));
  const at = Math.max(0, known);
  const primary = primaries[at] as RedisConnection;
  // Escaped segments hold no glob character, so the pattern is exact.
  const pattern = tenant === undefined ? `${projectPrefix(project)}*` : rowKey(tenantPrefix(project, tenant), "*");
  const scan: RedisCommand = ["SCAN", [known < 0 ? "0" : from, "match", pattern, "count", String(count)]];
  const reply = await runOne(primary, scan, wait);
  const [end, keys] = Array.isArray(reply) ? reply : [];
  const following = primaries[at + 1];
  const next = String(end ?? "0") !== "0" ? `${primary.server} ${String(end)}` : following && `${following.server} 0`;
  return { keys: Array.isArray(keys) ? keys.map(String) : [], primary, next };
}
