import { LarderError } from "@larder/schema";

/**
 * Shares the requests that may be under way at once among the tenants that have some. A tenant alone may take all; of two each has half. A tenant
 * above its share starts nothing new until it is below, while the others' requests are taken at once: nobody waits in a queue behind another's
 * flood. Each share is at least one request, so up to `limit` tenants can never be shut out.
 */
export class FairShare {
  readonly #limit: number;
  readonly #underWay = new Map<string, number>();

  /** @param limit requests under way at once that are shared out */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Requests under way, by tenant; tenants without any are not listed. */
  get underWay(): ReadonlyMap<string, number> {
    return this.#underWay;
  }

  /** Starts a request of a tenant; {@link leave} ends it. @throws RATE_LIMITED above the tenant's share */
  enter(tenant: string): void {
    const own = this.#underWay.get(tenant) ?? 0;
    const tenants = this.#underWay.size + (own === 0 ? 1 : 0);
    const share = Math.max(1, Math.floor(this.#limit / tenants));
    if (own >= share) {
      throw new LarderError("RATE_LIMITED", {
        what: `The tenant has ${own} requests under way, its share of what the server does at once`,
        remedy: "Wait for answers before you send more, or the seconds in Retry-After",
        facts: { tenant },
      });
    }
    this.#underWay.set(tenant, own + 1);
  }

  leave(tenant: string): void {
    const left = (this.#underWay.get(tenant) ?? 1) - 1;
    if (left === 0) this.#underWay.delete(tenant);
    else this.#underWay.set(tenant, left);
  }
}
