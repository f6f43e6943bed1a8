import type { Prices } from "@larder/schema";
import type { CapacityPlan } from "./plan-capacity.ts";

/** US dollars of a month, by what they are for. */
export interface MonthlyCost {
  readonly redis: number;
  readonly servers: number;
  readonly total: number;
}

/** Primaries and replicas by their whole memory, servers by their cores; traffic, disks and people are not in it. */
export function monthlyCost(
  { primaries, replicas, cores }: Pick<CapacityPlan, "primaries" | "replicas" | "cores">,
  nodeMemory: number,
  { usdPerGib, usdPerCore }: Prices,
): MonthlyCost {
  const redis = ((primaries + replicas) * nodeMemory * usdPerGib) / 1024 ** 3;
  const servers = cores.servers * usdPerCore;
  return { redis, servers, total: redis + servers };
}
