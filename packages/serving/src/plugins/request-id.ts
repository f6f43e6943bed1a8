import { randomUUID } from "node:crypto";
import type { FastifyBaseLogger, FastifyRequest } from "fastify";

/**
 * Names requests: by the caller's id where it is short and printable, so that logs of both sides meet; otherwise by one of this process, whose name is
 * random, and a number.
 */
export function createRequestIds(): (given: string | string[] | undefined) => string {
  const own = randomUUID();
  let count = 0;
  return (given) => (typeof given === "string" && /^[\x21-\x7e]{1,64}$/.test(given) ? given : `${own}-${++count}`);
}

/** The logger of a request's lines, which name it. Made when there is something to log, which is seldom: one for every request costs more than the rest of its headers. */
export function requestLog(request: FastifyRequest): FastifyBaseLogger {
  return request.log.child({ reqId: request.id });
}
