import { type Clock, type Definitions, findTenant, findView, LarderError } from "@larder/schema";
import { planDefinitions } from "../applied-definitions.ts";
import { openRowStore } from "../open-online-store.ts";
import { paceOf } from "./pace.ts";
import { type SweepReport, type SweepRequest, sweepRows } from "./sweep-rows.ts";

/** What to sweep, how long and how hard. */
export interface SweepOptions extends SweepRequest {
  /** Most of the time to take, above 0 and at most 1. */
  readonly share: number;
}

/**
 * Opens the online store that the definitions name and removes its dead rows ({@link sweepRows}). Definitions that are not the applied ones are
 * refused: theirs may be the shorter TTLs.
 * @throws UNKNOWN_TENANT, UNKNOWN_VIEW, UNSUPPORTED, DEFINITIONS_INCOMPATIBLE, USAGE, ABORTED, and what the store throws
 */
export async function sweepOnlineStore(
  definitions: Definitions,
  { clock }: { readonly clock: Clock },
  { share, ...request }: SweepOptions,
): Promise<SweepReport> {
  if (request.tenant !== undefined) findTenant(definitions, request.tenant);
  if (request.view !== undefined) findView(definitions, request.view);
  const pace = paceOf(share, request.signal);
  const config = definitions.onlineStore;
  if (config.type === "memory") throw unsupported("Rows in memory end with their process", "sqlite or redis");
  if (config.type === "redis" && config.layout === "feast") {
    throw unsupported("Rows in Feast's layout live by key_ttl_seconds", "a store with packed rows");
  }
  const rowStore = await openRowStore(config, definitions);
  try {
    const plan = await planDefinitions({ definitions, store: rowStore }, { tenant: "default" });
    if (plan.changes.length > 0) throw notApplied(plan.changes.length);
    return await sweepRows({ definitions, rowStore, clock, pace }, request);
  } finally {
    await rowStore.close();
  }
}

function unsupported(what: string, needed: string): LarderError {
  return new LarderError("UNSUPPORTED", {
    what: `${what}: there is nothing to sweep`,
    remedy: `Use it with ${needed}`,
    facts: { field: "online_store" },
  });
}

function notApplied(changes: number): LarderError {
  return new LarderError("DEFINITIONS_INCOMPATIBLE", {
    what: `These definitions differ from the applied ones in ${changes} place${changes === 1 ? "" : "s"}, and a sweep by other TTLs may remove rows that still count; nothing was removed`,
    remedy: "Look at `larder plan`; apply these with `larder apply`, or sweep with the applied ones",
    facts: { changes },
  });
}
