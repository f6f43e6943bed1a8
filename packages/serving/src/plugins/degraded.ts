import { DEGRADED_HEADER } from "@larder/contract";
import type { FeatureBatch } from "@larder/store-core";
import type { FastifyReply } from "fastify";
import type { ServingMetrics } from "../metrics/serving-metrics.ts";

/** Says in a header, and counts, that an answer was made without the store: a flat prediction has no other place to say it. */
export function markDegraded(reply: FastifyReply, batch: FeatureBatch, tenant: string, metrics: ServingMetrics): void {
  if (!batch.degraded) return;
  reply.header(DEGRADED_HEADER, "true");
  metrics.countDegraded(tenant);
}
