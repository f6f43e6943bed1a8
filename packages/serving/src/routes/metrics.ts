import { ROUTES } from "@larder/contract";
import type { FastifyInstance } from "fastify";
import { addRoute } from "../plugins/add-route.ts";
import type { ServingContext } from "../serving-context.ts";

/** `GET /metrics`: Prometheus text. */
export function registerMetrics(app: FastifyInstance, { metrics }: ServingContext): void {
  addRoute(app, ROUTES.metrics, async (_request, reply) =>
    reply.header("content-type", metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}
