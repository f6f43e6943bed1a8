import type { FeatureRow, FeatureView } from "@larder/schema";
import type { Call } from "../call.ts";
import type { OnlineStore, ResetScope, WriteResult } from "../online-store.ts";
import { type LedgerParts, UsageLedger } from "../upkeep/usage-ledger.ts";
import { ForwardingStore } from "./forwarding-store.ts";

/**
 * Holds tenants to `max_bytes`: a write of a tenant over it is refused with QUOTA_EXCEEDED, or makes its long-tail views lose their oldest rows, as
 * `on_full` says. Writes that only delete, resets and reads are always let through. What a tenant takes is measured in the background, at most once a
 * minute, by one process for all: a figure is as old as that, plus the walk, so a tenant may pass its limit by what it writes in that time. This
 * process's own writes ask for a new figure earlier when they may have crossed the limit. Where no tenant has a limit the store is left as it is.
 */
export function withQuota(inner: OnlineStore, parts: LedgerParts): OnlineStore {
  const limited = [...parts.definitions.tenants.values()].some(({ maxBytes }) => maxBytes !== undefined);
  return limited ? new QuotaStore(inner, parts) : inner;
}

class QuotaStore extends ForwardingStore {
  readonly #definitions: LedgerParts["definitions"];
  readonly #ledger: UsageLedger;

  constructor(inner: OnlineStore, parts: LedgerParts) {
    super(inner);
    this.#definitions = parts.definitions;
    this.#ledger = new UsageLedger(parts);
  }

  override async write(view: FeatureView, rows: readonly FeatureRow[], call: Call): Promise<WriteResult> {
    const tenant = this.#definitions.tenants.get(call.tenant);
    const limit = tenant?.maxBytes;
    if (tenant === undefined || limit === undefined || rows.every(({ values }) => values === undefined)) {
      return this.inner.write(view, rows, call);
    }
    await this.#ledger.admit(tenant, limit, call);
    const result = await this.inner.write(view, rows, call);
    this.#ledger.applied(tenant.name, result.applied);
    return result;
  }

  override async reset(scope: ResetScope, call: Call): Promise<number> {
    const removed = await this.inner.reset(scope, call);
    this.#ledger.doubt();
    return removed;
  }

  override async close(): Promise<void> {
    await this.#ledger.close();
    await this.inner.close();
  }
}
