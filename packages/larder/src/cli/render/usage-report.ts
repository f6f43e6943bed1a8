import { formatTime } from "@larder/schema";
import type { TenantUsage } from "@larder/store-core";
import { renderTable } from "./table.ts";

/** Times as ISO text, null for what there is not. */
export function usageJson(usages: readonly TenantUsage[]): readonly object[] {
  return usages.map(({ tenant, bytes, error, measuredAt, maxBytes, share, refused }) => ({
    tenant,
    bytes,
    error,
    measured_at: formatTime(measuredAt),
    max_bytes: maxBytes ?? null,
    share: share ?? null,
    refused,
  }));
}

/** A line per tenant, after an empty one; nothing where nothing was measured. */
export function usageText(usages: readonly TenantUsage[]): string {
  if (usages.length === 0) return "";
  const rows = usages.map(({ tenant, bytes, error, measuredAt, maxBytes, share, refused }) => [
    tenant,
    `${bytes}${error === 0 ? "" : ` +- ${(100 * error).toFixed(1)} %`}`,
    maxBytes === undefined ? "no limit" : String(maxBytes),
    share === undefined ? "" : `${(100 * share).toFixed(1)} %${refused ? ", over quota: writes are refused" : ""}`,
    formatTime(measuredAt),
  ]);
  return `\n${renderTable(["tenant", "bytes", "max_bytes", "of quota", "measured at"], rows)}`;
}
