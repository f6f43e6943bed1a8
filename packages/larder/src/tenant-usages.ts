import { type Clock, type Definitions, findTenant } from "@larder/schema";
import { type OnlineStore, readUsage, type TenantUsage } from "@larder/store-core";

const DEADLINE_MS = 10_000;

/**
 * What tenants take of their byte quotas, as measured last; empty where nothing was measured. Answers "is this tenant over its quota?" by `refused`.
 * @throws UNKNOWN_TENANT, and what reading the store throws
 */
export async function tenantUsages(
  { definitions, store }: { readonly definitions: Definitions; readonly store: OnlineStore; readonly clock: Clock },
  { tenant, signal }: { readonly tenant?: string | undefined; readonly signal?: AbortSignal | undefined },
): Promise<readonly TenantUsage[]> {
  if (tenant !== undefined) findTenant(definitions, tenant);
  const deadline = performance.now() + DEADLINE_MS;
  const usages = await readUsage(store, definitions, {
    tenant: "default",
    deadline,
    ...(signal === undefined ? {} : { signal }),
  });
  return usages.filter((usage) => tenant === undefined || usage.tenant === tenant);
}
