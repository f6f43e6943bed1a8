import { TENANT_HEADER } from "@larder/contract";
import { findTenant, LarderError } from "@larder/schema";
import type { FastifyRequest } from "fastify";
import { boundTenant } from "../auth/bound-tenant.ts";
import type { ServingContext } from "../serving-context.ts";
import { atField } from "./at-field.ts";

/** What a percent-encoded name may be made of; a comma would join two headers into one. */
const ENCODED = /^[\x21-\x2b\x2d-\x7e]+$/;

/**
 * The tenant a request is for: the header's; where there is none, the credential's, or the server's own where nobody is asked for one.
 * @throws MALFORMED_REQUEST for an empty or badly encoded header; FORBIDDEN for a tenant that the credential is not for, whether there is such a
 * tenant or not; UNKNOWN_TENANT
 */
export function tenantOf(
  { definitions, tenant }: Pick<ServingContext, "definitions" | "tenant">,
  request: FastifyRequest,
): string {
  const header = request.headers[TENANT_HEADER];
  const named = header === undefined ? undefined : decode(header);
  const { credential } = request;
  const name = credential === null ? (named ?? tenant) : boundTenant(credential, named, TENANT_HEADER);
  return atField(TENANT_HEADER, () => findTenant(definitions, name)).name;
}

function decode(header: string | string[]): string {
  if (typeof header === "string" && ENCODED.test(header)) {
    try {
      return decodeURIComponent(header);
    } catch {
      // Refused below: not percent-encoded UTF-8.
    }
  }
  throw new LarderError("MALFORMED_REQUEST", {
    what:
      header.length === 0 ? "The tenant header is empty" : "The tenant header is not one percent-encoded UTF-8 name",
    remedy: `Send ${TENANT_HEADER}: encodeURIComponent(name) once, or leave it out for the server's own tenant`,
    facts: { field: TENANT_HEADER },
  });
}
