import { SERVER_TIMING_HEADER } from "@larder/contract";
import type { FastifyReply } from "fastify";

/** Says where a request's time went, in milliseconds. */
export function sendTiming(reply: FastifyReply, spans: { readonly store?: number; readonly model?: number }): void {
  const store = spans.store === undefined ? "" : `store;dur=${spans.store.toFixed(3)}, `;
  const model = spans.model === undefined ? "" : `model;dur=${spans.model.toFixed(3)}, `;
  const total = reply.elapsedTime.toFixed(3);
  reply.header(SERVER_TIMING_HEADER, `${store}${model}total;dur=${total}`);
}
