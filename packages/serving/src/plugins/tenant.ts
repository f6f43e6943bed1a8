import { TENANT_HEADER, TENANT_PARAMETER } from "@larder/contract";
import { findTenant, LarderError } from "@larder/schema";
import type { FastifyRequest } from "fastify";
import { boundTenant } from "../auth/bound-tenant.ts";
import type { ServingContext } from "../serving-context.ts";
import { atField } from "./at-field.ts";

/** What a percent-encoded name may be made of; a comma would join two headers into one. */
const ENCODED = /^[\x21-\x2b\x2d-\x7e]+$/;

/**
 * The tenant a request is for: the one that its path or its header names; where neither does, the credential's, or the server's own where nobody is
 * asked for one.
 * @throws MALFORMED_REQUEST for an empty or badly encoded name, `.` and `..` in the path, and two different names; FORBIDDEN for a tenant that the
 * credential is not for, whether there is such a tenant or not; UNKNOWN_TENANT
 */
export function tenantOf(
  { definitions, tenant }: Pick<ServingContext, "definitions" | "tenant">,
  request: FastifyRequest,
): string {
  const header = request.headers[TENANT_HEADER];
  const { [TENANT_PARAMETER]: path } = request.params as { readonly [TENANT_PARAMETER]?: string };
  const named = header === undefined ? undefined : decode(header);
  if (path !== undefined) refuseBadPath(path, named);
  const field = path === undefined ? TENANT_HEADER : "path";
  const { credential } = request;
  const name = path ?? named;
  const bound = credential === null ? (name ?? tenant) : boundTenant(credential, name, field);
  return atField(field, () => findTenant(definitions, bound)).name;
}

/** `.` and `..` are steps in a path for whoever passes it on, encoded or not. */
function refuseBadPath(path: string, header: string | undefined): void {
  if (path === "" || path === "." || path === "..") {
    throw malformed(
      "path",
      path === "" ? "The path names an empty tenant" : `The path names the tenant "${path}", which is a step in a path`,
      path === "" ? "Write /t/ and encodeURIComponent(name)" : `Name it in the header ${TENANT_HEADER}`,
    );
  }
  if (header !== undefined && header !== path)
    throw malformed(TENANT_HEADER, "The header and the path name different tenants", "Name the tenant once");
}

function decode(header: string | string[]): string {
  if (typeof header === "string" && ENCODED.test(header)) {
    try {
      return decodeURIComponent(header);
    } catch {
      // Refused below: not percent-encoded UTF-8.
    }
  }
  throw malformed(
    TENANT_HEADER,
    header.length === 0 ? "The tenant header is empty" : "The tenant header is not one percent-encoded UTF-8 name",
    `Send ${TENANT_HEADER}: encodeURIComponent(name) once, or leave it out for the server's own tenant`,
  );
}

function malformed(field: string, what: string, remedy: string): LarderError {
  return new LarderError("MALFORMED_REQUEST", { what, remedy, facts: { field } });
}
