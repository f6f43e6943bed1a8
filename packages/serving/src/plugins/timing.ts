import { SERVER_TIMING_HEADER } from "@larder/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ServingMetrics } from "../metrics/serving-metrics.ts";
import { STAGES, type StageTimes } from "../metrics/stage-times.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Where its time went; null for a request that reads nothing, or failed. */
    stages: StageTimes | null;
  }
}

/** What a handler measured: when it asked the store (`performance.now()`), and milliseconds. */
export interface Measured {
  readonly asked: number;
  readonly store?: number;
  readonly decode?: number;
  readonly model?: number;
}

/** Says and counts where a request's time went. Called when the answer's text is there; what is left of the time was spent on that. */
export function sendTiming(
  request: FastifyRequest,
  reply: FastifyReply,
  metrics: ServingMetrics,
  { asked, store, decode, model }: Measured,
): void {
  const total = reply.elapsedTime;
  const worked = performance.now() - asked;
  const queue = Math.max(0, total - worked);
  const encode = Math.max(0, worked - (store ?? 0) - (decode ?? 0) - (model ?? 0));
  const stages: StageTimes = { queue, store, decode, model, encode };
  request.stages = stages;
  metrics.observeStages(stages);
  let text = "";
  for (const stage of STAGES) {
    const milliseconds = stages[stage];
    if (milliseconds !== undefined) text += `${stage};dur=${milliseconds.toFixed(3)}, `;
  }
  reply.header(SERVER_TIMING_HEADER, `${text}total;dur=${total.toFixed(3)}`);
}
