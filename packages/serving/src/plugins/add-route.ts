import type { RouteContract } from "@larder/contract";
import { LarderError } from "@larder/schema";
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";

/** HEAD comes with GET. */
const METHODS: readonly HTTPMethods[] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Adds one route of the contract, and answers every other method on its path with METHOD_NOT_ALLOWED before a body is read. */
export function addRoute(
  app: FastifyInstance,
  contract: RouteContract,
  handler: (request: FastifyRequest, reply: FastifyReply) => unknown,
): void {
  const url = contract.path.replaceAll(/\{(\w+)\}/g, ":$1");
  const config = { errorStyle: contract.errors };
  app.route({ method: contract.method, url, config: { ...config, contract }, handler });
  app.route({
    method: METHODS.filter((method) => method !== contract.method),
    url,
    config,
    exposeHeadRoute: false,
    onRequest: async (request, reply) => {
      reply.header("allow", contract.method);
      throw new LarderError("METHOD_NOT_ALLOWED", {
        what: `${contract.path} does not take ${request.method}`,
        remedy: `Use ${contract.method}`,
        facts: { field: "method" },
      });
    },
    handler: neverReached,
  });
}

function neverReached(): never {
  throw new Error("the hook before this handler always throws");
}
