import type { Capacity } from "../../capacity/capacity.ts";
import { BUSY, LEAST_SERVERS, RESERVED } from "../../capacity/plan-capacity.ts";
import { renderTable } from "./table.ts";

/** Bytes, microseconds, and shares from 0 to 1, as numbers. */
export function capacityJson({ entities, requestsPerSecond, nodeMemory, views, measured, plan }: Capacity): object {
  return {
    ...{ entities, requests_per_second: requestsPerSecond, node_memory: nodeMemory, views },
    measured: {
      entities: measured.entities,
      bytes_per_entity: measured.ownBytes,
      expiring: measured.expiringShare,
      fragmentation: measured.fragmentation,
      requests: measured.requests,
      server_cpu_us: measured.serverMicros,
      redis_cpu_us: measured.storeMicros,
    },
    data_bytes: plan.dataBytes,
    node_bytes: plan.nodeBytes,
    primaries: plan.primaries,
    primaries_for: plan.primariesFor,
    replicas: plan.replicas,
    servers: plan.servers,
    cores: plan.cores,
    headroom: plan.headroom,
  };
}

/** What it takes, how that was worked out, and from what. */
export function capacityText({ entities, requestsPerSecond, nodeMemory, measured, plan }: Capacity): string {
  const { primaries, primariesFor, replicas, servers, cores, headroom } = plan;
  const { ownBytes, fragmentation, serverMicros, storeMicros, requests } = measured;
  const answer = renderTable(
    ["for", "needed", "left"],
    [
      [`data of ${entities} entities`, gib(plan.dataBytes), ""],
      [`a Redis node of ${gib(nodeMemory)}`, gib(plan.nodeBytes), percent(headroom.memory)],
      ["Redis primaries", `${primaries} (memory ${primariesFor.memory}, CPU ${primariesFor.cpu})`, ""],
      ["Redis replicas", replicas, ""],
      ["cores of Redis", cores.redis, `${percent(headroom.redis)} of a primary's`],
      ["larder serve, a core each", servers, percent(headroom.servers)],
    ],
  );
  return `${answer}
Measured on this machine: ${ownBytes.toFixed(1)} bytes per entity of ${measured.entities}, fragmentation ${fragmentation.toFixed(2)}; CPU of a lookup ${serverMicros.toFixed(0)} us in the
server and ${storeMicros.toFixed(1)} us in Redis, by ${requests} lookups

data      = ${primaries} x (${entities} / ${primaries} x ${ownBytes.toFixed(1)} + 8 bytes x slots of keys and of expiries, the next power of two)
a node    = (data / ${primaries} + half its tables) x ${fragmentation.toFixed(2)} / (1 - ${RESERVED})
primaries = the more of: enough for a node's memory; ${requestsPerSecond}/s x ${storeMicros.toFixed(1)} us / ${BUSY}
replicas  = one for each primary
servers   = ${requestsPerSecond}/s x ${serverMicros.toFixed(0)} us / ${BUSY}, at least ${LEAST_SERVERS}
`;
}

function gib(bytes: number): string {
  return bytes < 1024 ** 3 ? `${(bytes / 1024 ** 2).toFixed(1)} MiB` : `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
