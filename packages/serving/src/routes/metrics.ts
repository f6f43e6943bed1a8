import { ROUTES } from "@larder/contract";
import type { FastifyInstance } from "fastify";
import { type MetricsPeers, metricsText } from "../metrics/metrics-peers.ts";
import { addRoute } from "../plugins/add-route.ts";
import type { ServingContext } from "../serving-context.ts";

/** `GET /metrics`: Prometheus text, of all processes that serve the port. */
export function registerMetrics(
  app: FastifyInstance,
  { metrics: { registry } }: ServingContext,
  peers: MetricsPeers | undefined,
): void {
  peers?.join(() => registry.getMetricsAsJSON());
  addRoute(app, ROUTES.metrics, async (_request, reply) =>
    reply.header("content-type", registry.contentType).send(await metricsText(registry, peers)),
  );
}
