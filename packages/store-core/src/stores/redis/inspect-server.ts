import { LarderError } from "@larder/schema";
import { isFailure, type RedisConnection, type Reply, type ReplyFailure, type Wait } from "./connection.ts";
import { wrongTopology } from "./redis-errors.ts";
import { projectPrefix } from "./redis-keys.ts";
import { gather, run } from "./scripts.ts";

/** Keys that are looked at to see whose data a database holds. */
const SAMPLE_KEYS = 100;

/** Sampled keys whose fields are looked at. */
const SAMPLE_HASHES = 10;

/** Looks at some of the keys that a database holds. @throws STORE_MISCONFIGURED when they are of the other layout */
export type RefuseLayout = (connection: RedisConnection, keys: readonly Buffer[], wait: Wait) => Promise<void>;

/**
 * Looks once, when a store opens, at what would make it fail or lie later: a server of another kind than it was taken for, one too old, missing
 * rights, a database that holds the other layout, where every read would be NOT_FOUND. What the user may not look at is let pass.
 * @throws STORE_MISCONFIGURED, STORE_UNAVAILABLE
 */
export async function inspectServers(
  connection: RedisConnection,
  how: "script" | "pipeline",
  refuseLayout: RefuseLayout,
  wait: Wait,
): Promise<void> {
  await Promise.all(
    connection.primaries().map((primary) => inspect(primary, connection.sharded, how, refuseLayout, wait)),
  );
}

async function inspect(
  connection: RedisConnection,
  sharded: boolean,
  how: "script" | "pipeline",
  refuseLayout: RefuseLayout,
  wait: Wait,
): Promise<void> {
  const probe = how === "script" ? ({ script: gather, keys: [], args: ["-"] } as const) : (["PING", []] as const);
  const [info, answer, sample] = await run(
    connection,
    [["INFO", []], probe, ["SCAN", ["0", "count", String(SAMPLE_KEYS)]]],
    wait,
  );
  checkInfo(info, connection.server, sharded);
  if (isFailure(answer)) throw answer.error;
  await refuseLayout(connection, keysOf(sample), wait);
}

function checkInfo(info: Reply | ReplyFailure | undefined, server: string, sharded: boolean): void {
  if (!Buffer.isBuffer(info)) return;
  const facts = new Map(
    info
      .toString("latin1")
      .split("\r\n")
      .map((line) => line.split(":", 2) as [string, string]),
  );
  if (facts.get("redis_mode") === "sentinel") throw wrongTopology(server, "a Sentinel", "redis_sentinel");
  if (!sharded && facts.get("cluster_enabled") === "1") {
    throw wrongTopology(server, "a node of a Redis Cluster", "redis_cluster");
  }
  const version = facts.get("redis_version") ?? "";
  if (Number.parseInt(version, 10) < 7) {
    throw new LarderError("STORE_MISCONFIGURED", {
      what: `Redis at ${server} is version ${version}`,
      remedy: "Use Redis 7.0 or newer, or Valkey",
      facts: { server, version },
    });
  }
}

function keysOf(sample: Reply | ReplyFailure | undefined): readonly Buffer[] {
  return (Array.isArray(sample) && Array.isArray(sample[1]) ? sample[1] : []).filter((key) => Buffer.isBuffer(key));
}

/** For the packed layout. Where Larder lives already, others may, too. */
export const refuseFeastRows: RefuseLayout = async (connection, keys, wait) => {
  if (keys.some((key) => key.toString("latin1", 0, 2) === "l:")) return;
  const likely = keys.filter(startsLikeFeast).slice(0, SAMPLE_HASHES);
  const replies = await connection.exchange(
    likely.map((key) => ["HSCAN", [key, "0", "match", "_ts:*", "count", "1000"]]),
    wait,
  );
  const isFeast = replies.some((reply) => Array.isArray(reply) && Array.isArray(reply[1]) && reply[1].length > 0);
  if (!isFeast) return;
  throw new LarderError("STORE_MISCONFIGURED", {
    what: `Redis at ${connection.server} holds Feast's rows, and layout: packed would answer NOT_FOUND for all of them`,
    remedy: 'Set online_store.layout to feast to serve them, or give packed rows a database of their own (",db=1")',
    facts: { field: "online_store.layout", server: connection.server },
  });
};

/** For Feast's layout: the project's rows are packed. */
export function refusePackedRows(project: string): RefuseLayout {
  const packed = Buffer.from(projectPrefix(project));
  const tail = Buffer.from(project, "utf8");
  return async ({ server }, keys) => {
    if (!keys.some((key) => key.subarray(0, packed.length).equals(packed))) return;
    if (keys.some((key) => startsLikeFeast(key) && key.subarray(-tail.length).equals(tail))) return;
    throw new LarderError("STORE_MISCONFIGURED", {
      what: `Redis at ${server} holds packed rows of project "${project}", and layout: feast would answer NOT_FOUND for all of them`,
      remedy:
        'Set online_store.layout to packed to serve them, or give Feast\'s rows a database of their own (",db=1")',
      facts: { field: "online_store.layout", server },
    });
  };
}

/** Feast's entity keys are binary: a count of join keys (version 3) or the type STRING (version 2), as little-endian 32-bit integers. */
function startsLikeFeast(key: Buffer): boolean {
  return (
    key.length > 8 &&
    (key[0] as number) >= 1 &&
    (key[0] as number) <= 32 &&
    key[1] === 0 &&
    key[2] === 0 &&
    key[3] === 0
  );
}
