import { isFailure, type Reply, type ServerConnection } from "./connection.ts";
import { SLOTS } from "./key-slot.ts";
import { redisError, wrongTopology } from "./redis-errors.ts";
import { endpointText, type RedisEndpoint } from "./redis-target.ts";

/** Which primary holds which slot. */
export interface ClusterMap {
  /** By `host:port`. */
  readonly primaries: ReadonlyMap<string, RedisEndpoint>;
  /** `host:port` by slot; undefined where nobody holds it. */
  readonly owners: readonly (string | undefined)[];
}

/** Asks a node for its map. @throws STORE_MISCONFIGURED when it is no cluster's, STORE_UNAVAILABLE, STORE_TIMEOUT */
export async function readClusterMap(node: ServerConnection, milliseconds: number): Promise<ClusterMap> {
  const wait = { deadline: performance.now() + milliseconds, signal: undefined };
  const [reply] = await node.exchange([["CLUSTER", ["SLOTS"]]], wait);
  if (isFailure(reply)) {
    // "ERR This instance has cluster support disabled": a general error, without a code of its own.
    if (reply.code === "ERR") throw wrongTopology(node.server, "no node of a Redis Cluster", "redis");
    throw reply.error;
  }
  const owners: (string | undefined)[] = new Array(SLOTS).fill(undefined);
  const primaries = new Map<string, RedisEndpoint>();
  for (const range of Array.isArray(reply) ? reply : []) {
    const [first, last, primary] = range as readonly [number, number, readonly Reply[]];
    const endpoint = placeOf(primary, node.server);
    const name = endpointText(endpoint);
    primaries.set(name, endpoint);
    owners.fill(name, first, last + 1);
  }
  if (primaries.size === 0) {
    throw redisError(new Error("it is a node of a cluster that holds no slots"), node.server);
  }
  return { primaries, owners };
}

/** Reads `host:port`, where a host that is left out, or unknown, is the one that answered. */
export function parseEndpoint(text: string, answered: string): RedisEndpoint {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, colon).replace(/^\[|\]$/g, "");
  if (host !== "" && host !== "?") return { host, port: Number(text.slice(colon + 1)) };
  const own = parseEndpoint(answered, "localhost:0");
  return { host: "host" in own ? own.host : "localhost", port: Number(text.slice(colon + 1)) };
}

function placeOf([host, port]: readonly Reply[], answered: string): RedisEndpoint {
  return parseEndpoint(`${host === null ? "" : String(host)}:${String(port)}`, answered);
}
