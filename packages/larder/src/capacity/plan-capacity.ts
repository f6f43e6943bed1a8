import { LarderError } from "@larder/schema";
import { type EntityBasis, memoryOfEntities } from "@larder/store-core";

/** What was measured on the machine at hand. CPU times are microseconds per request. */
export interface Measured extends Pick<EntityBasis, "ownBytes" | "expiringShare"> {
  /** Resident memory over used. */
  readonly fragmentation: number;
  readonly serverMicros: number;
  readonly storeMicros: number;
}

/** What is to be held. */
export interface Wanted {
  /** Of all tenants together. */
  readonly entities: number;
  readonly requestsPerSecond: number;
  /** Bytes of one Redis node. */
  readonly nodeMemory: number;
}

/** What it takes. Bytes, cores, and shares from 0 to 1. */
export interface CapacityPlan {
  /** Redis's `used_memory` of the entities on all primaries. */
  readonly dataBytes: number;
  /** What one node needs of its memory. */
  readonly nodeBytes: number;
  readonly primaries: number;
  /** How many primaries memory alone, and CPU time alone, would ask for. */
  readonly primariesFor: { readonly memory: number; readonly cpu: number };
  readonly replicas: number;
  /** Processes of `larder serve`, one core each. */
  readonly servers: number;
  /** Of servers, and of Redis with its replicas. */
  readonly cores: { readonly servers: number; readonly redis: number };
  /** What is left: of a node's memory, of the servers' cores, of the primaries' cores. */
  readonly headroom: { readonly memory: number; readonly servers: number; readonly redis: number };
}

/**
 * Part of a node's memory that holds no data: buffers of clients and replicas, and writes during a snapshot. As in the forecast of `larder redis
 * explain`, whose source it names.
 */
export const RESERVED = 0.25;

/** A core that is busy half the time makes requests wait as long as they take, on average (M/M/1: waiting = service x busy / (1 - busy)). */
export const BUSY = 0.5;

/** One of them may be restarted. */
export const LEAST_SERVERS = 2;

/** Of each primary, for when it fails. */
const REPLICAS = 1;

/** Nodes of a Redis Cluster, at most (redis.io, "Redis cluster specification"). */
const MOST_PRIMARIES = 1_000;

/**
 * Works out, for p primaries and E entities:
 *
 *     data      = p x (E / p x bytes of one + tables of E / p keys)
 *     a node    = (data / p + half its tables, while they grow) x fragmentation / (1 - 0.25)
 *     primaries = the fewest whose node fits into node memory, and whose rate x CPU per request keeps one core each busy at most half the time
 *     servers   = rate x CPU per request / 0.5, at least 2
 *
 * @throws USAGE where no cluster is large enough
 */
export function planCapacity(measured: Measured, wanted: Wanted): CapacityPlan {
  const { fragmentation, serverMicros, storeMicros } = measured;
  const { entities, requestsPerSecond, nodeMemory } = wanted;
  const busy = (micros: number) => (requestsPerSecond * micros) / 1e6;
  const nodeBytes = (primaries: number) => {
    const each = entities / primaries;
    const data = memoryOfEntities(measured, each);
    const tables = data - each * measured.ownBytes;
    return ((data + tables / 2) * fragmentation) / (1 - RESERVED);
  };
  const cpu = Math.max(1, Math.ceil(busy(storeMicros) / BUSY));
  let memory = 1;
  while (memory <= MOST_PRIMARIES && nodeBytes(memory) > nodeMemory) memory++;
  const primaries = Math.max(cpu, memory);
  if (primaries > MOST_PRIMARIES) throw tooMuch(wanted, cpu > memory ? "requests per second" : "entities");
  const servers = Math.max(LEAST_SERVERS, Math.ceil(busy(serverMicros) / BUSY));
  return {
    dataBytes: Math.round(primaries * memoryOfEntities(measured, entities / primaries)),
    nodeBytes: Math.round(nodeBytes(primaries)),
    primaries,
    primariesFor: { memory, cpu },
    replicas: primaries * REPLICAS,
    servers,
    cores: { servers, redis: primaries * (1 + REPLICAS) },
    headroom: {
      memory: 1 - nodeBytes(primaries) / nodeMemory,
      servers: 1 - busy(serverMicros) / servers,
      redis: 1 - busy(storeMicros) / primaries,
    },
  };
}

function tooMuch({ nodeMemory }: Wanted, what: string): LarderError {
  return new LarderError("USAGE", {
    what: `So many ${what} need more than ${MOST_PRIMARIES} primaries with ${nodeMemory} bytes each`,
    remedy: "Give fewer, or larger nodes by --node-memory",
    facts: { field: what },
  });
}
