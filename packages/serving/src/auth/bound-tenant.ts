import { LarderError } from "@larder/schema";
import type { Credential } from "./credential.ts";

/**
 * The tenant that a credential's request is for: the one that it names, or the credential's own.
 * @throws FORBIDDEN for another's, INVALID_REQUEST where there are several to choose from
 */
export function boundTenant({ tenants }: Credential, named: string | undefined, field: string): string {
  const [own] = tenants;
  if (named === undefined && own !== undefined && tenants.length === 1) return own;
  if (named !== undefined && tenants.includes(named)) return named;
  if (named === undefined && own !== undefined) {
    throw new LarderError("INVALID_REQUEST", {
      what: "The credential is for several tenants, and the request names none",
      remedy: "Name the tenant",
      facts: { field },
    });
  }
  throw new LarderError("FORBIDDEN", {
    what: own === undefined ? "The credential is for no tenant" : "The credential is not for this tenant",
    remedy: "Use one that is for the tenant",
    facts: { field },
  });
}
