import { pathsOf, type RouteContract } from "@larder/contract";
import { LarderError } from "@larder/schema";
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import { detailRefusal } from "../feast/feast-refusal.ts";

/** HEAD comes with GET. */
const METHODS: readonly HTTPMethods[] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/**
 * Adds one route of the contract, below `/t/{tenant}`, too, where it is bound to a tenant. Every other method on its path is answered with
 * METHOD_NOT_ALLOWED before a body is read.
 */
export function addRoute(
  app: FastifyInstance,
  contract: RouteContract,
  handler: (request: FastifyRequest, reply: FastifyReply) => unknown,
): void {
  for (const path of pathsOf(contract)) addPath(app, contract, path, handler);
}

function addPath(
  app: FastifyInstance,
  contract: RouteContract,
  path: string,
  handler: (request: FastifyRequest, reply: FastifyReply) => unknown,
): void {
  const url = path.replaceAll(/\{(\w+)\}/g, ":$1");
  const config = { errorStyle: contract.errors };
  app.route({ method: contract.method, url, config: { ...config, contract }, handler });
  app.route({
    method: METHODS.filter((method) => method !== contract.method),
    url,
    config,
    exposeHeadRoute: false,
    onRequest: async (request, reply) => {
      reply.header("allow", contract.method);
      if (contract.errors === "strict") throw detailRefusal("METHOD_NOT_ALLOWED", 405, '"Method Not Allowed"');
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
