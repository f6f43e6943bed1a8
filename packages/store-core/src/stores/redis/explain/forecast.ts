import { tableBytes } from "./memory-of-entities.ts";
import type { Forecast } from "./report.ts";
import type { ServerMemory } from "./server-memory.ts";

/** What a forecast goes by. */
export interface ForecastInput {
  readonly servers: readonly ServerMemory[];
  /** Entities now, and how many of them expire. */
  readonly entities: number;
  readonly expiring: number;
  /** Mean bytes of one without its share of the tables. */
  readonly bytesPerEntity: number;
}

/** Taken where a server is too small for its own ratio: what jemalloc usually comes to. */
const USUAL_FRAGMENTATION = 1.1;
const MOST_FRAGMENTATION = 2;

/**
 * Part of a node's memory that holds no data: buffers of clients and replicas, and writes during a snapshot. AWS's rule of thumb, its default
 * reserved-memory-percent (Amazon ElastiCache user guide, "Managing reserved memory for Valkey and Redis OSS"); it names 30 % for small nodes.
 */
const RESERVED = 0.25;

/**
 * Pages that are written while a forked child saves them exist twice: up to twice the memory normally used (redis.io, "Redis administration").
 */
const TWICE = 2;

/**
 * Memory for `entities` like today's:
 *
 *     used    = used now + (entities - entities now) x mean + tables then - tables now
 *     tables  = 8 bytes x slots of keys, and of expiries; slots double when they are full (dict.c)
 *     growing = half the tables: while one doubles, the old one is there, too
 *     node    = (used + growing) x fragmentation / (1 - 0.25)
 *     saving  = (used + growing) x fragmentation x 2
 *
 * each for one primary, entities spread evenly over all.
 */
export function forecastMemory(input: ForecastInput, entities: number): Forecast {
  const { servers, bytesPerEntity } = input;
  const primaries = servers.length;
  const more = (entities - input.entities) / primaries;
  const expiringShare = input.entities === 0 ? 0 : input.expiring / input.entities;
  let used = 0;
  let growing = 0;
  let largest = 0;
  for (const server of servers) {
    const now = tables(server.keys, server.expiringKeys);
    const then = tables(server.keys + more, server.expiringKeys + more * expiringShare);
    const bytes = server.usedBytes + more * bytesPerEntity + then - now;
    used += bytes;
    growing += then / 2;
    largest = Math.max(largest, bytes + then / 2);
  }
  const measured = servers.flatMap((server) => server.fragmentation ?? []);
  const fragmentation =
    measured.length === 0 ? USUAL_FRAGMENTATION : Math.min(MOST_FRAGMENTATION, Math.max(1, ...measured));
  return {
    entities,
    usedBytes: Math.round(used),
    growingBytes: Math.round(growing),
    fragmentation,
    nodeBytes: Math.round((largest * fragmentation) / (1 - RESERVED)),
    nodeBytesWhileSaving: Math.round(largest * fragmentation * TWICE),
  };
}

function tables(keys: number, expiring: number): number {
  return tableBytes(keys) + tableBytes(expiring);
}
