import { type ErrorStyle, JSON_MEDIA_TYPE, ROUTES } from "@larder/contract";
import { type ErrorCode, isLarderError, LarderError } from "@larder/schema";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { FeastRefusal } from "../feast/feast-refusal.ts";
import type { ServingMetrics } from "../metrics/serving-metrics.ts";
import { errorAnswer, isCallersOwn } from "./error-body.ts";
import { requestLog } from "./request-id.ts";

/** How long a caller should wait before it repeats a call that met a failing store or a limit. */
const RETRY_AFTER_SECONDS = 1;

declare module "fastify" {
  interface FastifyContextConfig {
    errorStyle?: ErrorStyle;
  }
}

/** Makes every failure of every route one coded answer, counts it, and logs those that are ours. */
export function registerErrors(app: FastifyInstance, metrics: ServingMetrics): void {
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, metrics));
  app.setNotFoundHandler((request, reply) => sendError(unknownRoute(request), request, reply, metrics));
}

/** Answers a request with an error. */
export function sendError(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  metrics: ServingMetrics,
): FastifyReply {
  if (thrown instanceof FeastRefusal) {
    metrics.countError(thrown.code);
    return reply.code(thrown.status).header("content-type", JSON_MEDIA_TYPE).send(thrown.body);
  }
  const error = toLarderError(thrown);
  const { status, contentType, body } = errorAnswer(
    error,
    request.routeOptions.config?.errorStyle ?? styleOf(request.url),
    request.id,
  );
  if (!isCallersOwn(error.code)) {
    requestLog(request).error({ err: thrown, code: error.code, facts: error.facts }, error.what);
  }
  metrics.countError(error.code);
  if (status === 503 || status === 429) {
    reply.header("retry-after", String(error.facts["retryAfter"] ?? RETRY_AFTER_SECONDS));
  }
  if (error.code === "UNAUTHENTICATED") reply.header("www-authenticate", 'Bearer realm="larder"');
  return reply.code(status).header("content-type", contentType).send(body);
}

/** Of a path without a route: all below `/v2` is the Open Inference Protocol's. */
function styleOf(url: string): ErrorStyle {
  return /^\/v2(?:[/?]|$)/.test(url) ? "inference" : "problem";
}

/** Fastify's own errors carry codes too; whatever is left is a bug of ours. */
export function toLarderError(thrown: unknown): LarderError {
  if (isLarderError(thrown)) return thrown;
  const code = typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : undefined;
  const known = typeof code === "string" ? FASTIFY_ERRORS[code] : undefined;
  if (known !== undefined) return new LarderError(known.code, { ...known, cause: thrown });
  return new LarderError("INTERNAL", {
    what: "Unexpected failure",
    remedy: "Report it with this log line",
    cause: thrown,
  });
}

const FASTIFY_ERRORS: Readonly<Record<string, { code: ErrorCode; what: string; remedy: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: "PAYLOAD_TOO_LARGE",
    what: "The body is larger than server.body_limit",
    remedy: "Split the request",
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: "UNSUPPORTED_MEDIA_TYPE",
    what: "The body's content-type is not application/json",
    remedy: "Send JSON with the header `content-type: application/json`",
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: "MALFORMED_REQUEST",
    what: "The body is not as long as content-length says",
    remedy: "Send the whole body, or chunked",
  },
  FST_ERR_BAD_URL: {
    code: "MALFORMED_REQUEST",
    what: "The path is not valid percent-encoded UTF-8",
    remedy: "Encode names in the path, for example with encodeURIComponent",
  },
  ECONNRESET: {
    code: "ABORTED",
    what: "The connection ended before the body did",
    remedy: "Send the whole body",
  },
};

function unknownRoute(request: FastifyRequest): LarderError {
  const routes = Object.values(ROUTES).map((route) => `${route.method} ${route.path}`);
  return new LarderError("UNKNOWN_ROUTE", {
    what: `There is no route ${request.method} ${request.url.split("?", 1)[0]?.slice(0, 100)}`,
    remedy: `Use one of: ${routes.join(", ")}`,
    facts: { field: "path" },
  });
}
