import { channel } from "node:diagnostics_channel";
import type { IncomingHttpHeaders } from "node:http";
import type { Clock, Definitions } from "@larder/schema";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ServingMetrics } from "../metrics/serving-metrics.ts";
import type { StageTimes } from "../metrics/stage-times.ts";
import { requestLog } from "./request-id.ts";

/** A request that was answered, for whoever traces. */
export interface ServedRequest {
  readonly project: string;
  readonly requestId: string;
  readonly method: string;
  /** The route's pattern, never the path itself; `unknown` where there is none. */
  readonly route: string;
  readonly status: number;
  readonly tenant: string | undefined;
  /** Where a caller's trace context is. They hold its credential, too. */
  readonly headers: IncomingHttpHeaders;
  /** When the answer was sent, in microseconds since 1970, and how long it took, in milliseconds. */
  readonly endedAt: number;
  readonly milliseconds: number;
  /** Undefined for a request that reads nothing, or failed. */
  readonly stages: StageTimes | undefined;
}

/** Publishes a {@link ServedRequest} per answer. */
export const servedRequests = channel("larder:serving:request");

/** A flood of refused requests must not become one of log lines. */
const TOO_MANY = 429;

/** Counts, logs and publishes every answer. What nobody listens to costs nothing. */
export function registerObservers(
  app: FastifyInstance,
  { definitions, metrics, clock }: { definitions: Definitions; metrics: ServingMetrics; clock: Clock },
): void {
  const { project, server } = definitions;
  const sample = server.accessLogSample;
  app.decorateRequest("stages", null);
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "unknown";
    const status = reply.statusCode;
    const milliseconds = reply.elapsedTime;
    metrics.observeRequest(route, status, milliseconds);
    if (sample !== undefined && (isError(status) || Math.random() < sample)) logAnswer(request, reply, milliseconds);
    if (servedRequests.hasSubscribers) {
      servedRequests.publish({
        project,
        requestId: request.id,
        method: request.method,
        route,
        status,
        tenant: request.tenant ?? undefined,
        headers: request.headers,
        endedAt: clock.now(),
        milliseconds,
        stages: request.stages ?? undefined,
      } satisfies ServedRequest);
    }
    done();
  });
}

function isError(status: number): boolean {
  return status >= 400 && status !== TOO_MANY;
}

/** The route's pattern stands for the path, which may hold what a caller put there; of the headers only the trace is taken. */
function logAnswer(request: FastifyRequest, reply: FastifyReply, milliseconds: number): void {
  const { stages, method, headers } = request;
  requestLog(request).info(
    {
      method,
      route: request.routeOptions.url ?? "unknown",
      status: reply.statusCode,
      ms: rounded(milliseconds),
      stages: stages === null ? undefined : roundedAll(stages),
      trace_id: /^00-([0-9a-f]{32})-/.exec(String(headers["traceparent"]))?.[1],
    },
    "answered",
  );
}

function roundedAll(stages: StageTimes): Record<string, number> {
  const all: Record<string, number> = {};
  for (const [stage, ms] of Object.entries(stages)) if (ms !== undefined) all[stage] = rounded(ms);
  return all;
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
