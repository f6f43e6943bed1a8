import { type Definitions, findTenant, findView, isLarderError, type LarderError } from "@larder/schema";
import { type Call, refuseEnded, storeClosed } from "../call.ts";
import type { ResetScope } from "../online-store.ts";
import type { PutOutcome, StoredRow, ViewScope } from "../row-store.ts";
import { SignalQueue } from "./signal-queue.ts";
import { type RowSignals, type SignalScope, type Subscription, withoutSignals } from "./signals.ts";

/**
 * The rows that are in the store as they were given: those that were applied, and those that were there already, since a write that is repeated
 * after a failure finds its own rows and must announce them.
 */
export function storedRows(rows: readonly StoredRow[], puts: readonly PutOutcome[]): readonly StoredRow[] {
  return rows.filter((_, index) => STORED.has(puts[index] as PutOutcome));
}

const STORED: ReadonlySet<PutOutcome> = new Set<PutOutcome>(["applied", "applied_conflict", "duplicate"]);

/** The declared views of a scope. */
export function viewScopes(
  { project, views }: Pick<Definitions, "project" | "views">,
  { tenant, view }: Pick<ResetScope, "tenant" | "view">,
): readonly ViewScope[] {
  return (view === undefined ? [...views.keys()] : [view]).map((name) => ({ project, tenant, view: name }));
}

/** `subscribe` of a store: what can't be subscribed to fails when it is iterated. */
export function subscribeTo(
  signals: RowSignals | undefined,
  definitions: Definitions,
  scope: SignalScope,
  call: Call,
  closed: boolean,
): Subscription {
  try {
    if (closed) throw storeClosed();
    refuseEnded(call);
    for (const tenant of [call.tenant, scope.tenant]) findTenant(definitions, tenant);
    if (scope.view !== undefined) findView(definitions, scope.view);
    if (signals === undefined) throw withoutSignals();
    return signals.subscribe(viewScopes(definitions, scope), call);
  } catch (error) {
    if (!isLarderError(error)) throw error;
    return failed(error);
  }
}

function failed(error: LarderError): Subscription {
  const nothing = () => [];
  const queue = new SignalQueue({}, nothing, nothing);
  queue.fail(error);
  return queue;
}
