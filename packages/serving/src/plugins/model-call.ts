import type { FastifyReply } from "fastify";
import type { ModelCall } from "../model/model-runner.ts";
import type { ServingContext } from "../serving-context.ts";

/**
 * How long a request's run may wait: until `server.request_timeout` has passed since the request came, or its caller has gone. Most runs wait for
 * nothing, and so make no signal.
 * @param rowwise each row is answered by itself
 */
export function modelCall({ definitions }: ServingContext, reply: FastifyReply, rowwise: boolean): ModelCall {
  const deadline = performance.now() - reply.elapsedTime + definitions.server.requestTimeoutMs;
  let gone: AbortController | undefined;
  return {
    rowwise,
    deadline,
    get signal() {
      if (gone !== undefined) return gone.signal;
      const controller = new AbortController();
      gone = controller;
      if (reply.raw.destroyed) controller.abort();
      else reply.raw.once("close", () => controller.abort());
      return controller.signal;
    },
  };
}
