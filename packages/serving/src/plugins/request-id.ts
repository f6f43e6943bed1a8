import { randomUUID } from "node:crypto";
import type { FastifyBaseLogger, FastifyRequest } from "fastify";

declare module "fastify" {
  interface FastifyInstance {
    /** Where what is worth a line is logged. */
    ownLog: FastifyBaseLogger;
  }
}

/** A caller's id where it is short and printable, so that logs of both sides meet; otherwise our own. */
export function requestId(given: string | string[] | undefined): string {
  return typeof given === "string" && /^[\x21-\x7e]{1,64}$/.test(given) ? given : randomUUID();
}

/** The logger of a request's lines, which name it. Made when there is something to log, which is seldom: one per request is dear. */
export function requestLog(request: FastifyRequest): FastifyBaseLogger {
  return request.server.ownLog.child({ request_id: request.id, tenant: request.tenant ?? undefined });
}
