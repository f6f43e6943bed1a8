import { type Access, type RouteContract, SCOPES, type Scope } from "@larder/contract";
import { isLarderError, LarderError } from "@larder/schema";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { FairShare } from "../admission/fair-share.ts";
import { createRateLimit } from "../admission/rate-limit.ts";
import type { Authenticator, Credential } from "../auth/credential.ts";
import type { ServingContext } from "../serving-context.ts";
import { tenantOf } from "./tenant.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    contract?: RouteContract;
  }
  interface FastifyRequest {
    /** Who sends it; null where nobody is asked. */
    credential: Credential | null;
    /** Whose rows it is for; null where that is of no matter, or not known yet. */
    tenant: string | null;
  }
}

/**
 * Decides at the door, before a body is read: who sends a request (401), whether that is allowed (403), for which tenant, and whether the tenant has
 * room for it (429). Routes without a tenant, the probes and metrics among them, have no limits.
 */
export function registerAdmission(
  app: FastifyInstance,
  context: ServingContext,
  authenticator: Authenticator | undefined,
): void {
  const { definitions, metrics, clock } = context;
  const { auth, maxInFlight } = definitions.server;
  const rates = createRateLimit(definitions, clock);
  const shares = new FairShare(maxInFlight);
  metrics.watchUnderWay(() => shares.underWay);
  const openMetrics = typeof auth === "object" && auth.metrics === "open";

  app.decorateRequest("credential", null);
  app.decorateRequest("tenant", null);
  if (authenticator !== undefined) {
    app.addHook("onRequest", async (request) => {
      const { contract } = request.routeOptions.config;
      if (contract === undefined || contract.access === "open" || (openMetrics && contract.path === "/metrics")) return;
      request.credential = await authenticator.authenticate(request.headers.authorization);
      refuseOutOfScope(request.credential, contract.access);
    });
  }
  app.addHook("onRequest", (request, reply, done) => {
    // Without a contract: no route, or one that refuses the method.
    if (request.routeOptions.config.contract?.tenant) admit(request, reply);
    done();
  });

  function admit(request: FastifyRequest, reply: FastifyReply): void {
    const tenant = tenantOf(context, request);
    request.tenant = tenant;
    limited(tenant, "rate", () => rates.take(tenant));
    limited(tenant, "share", () => shares.enter(tenant));
    reply.raw.on("close", () => shares.leave(tenant));
  }

  function limited(tenant: string, status: "rate" | "share", take: () => void): void {
    try {
      take();
    } catch (error) {
      if (isLarderError(error, "RATE_LIMITED")) metrics.countLimited(tenant, status);
      throw error;
    }
  }
}

function refuseOutOfScope({ scopes }: Credential, access: Access): void {
  if (!isScope(access) || scopes.has(access)) return;
  throw new LarderError("FORBIDDEN", {
    what: `The credential lacks the scope ${access}`,
    remedy: `Use one with the scope ${access}`,
    facts: { field: "authorization", scope: access },
  });
}

function isScope(access: Access): access is Scope {
  return SCOPES.some((scope) => scope === access);
}
