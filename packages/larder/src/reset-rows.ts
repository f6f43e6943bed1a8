import {
  type Definitions,
  decodeKeyValue,
  type FeatureView,
  findTenant,
  findView,
  isLarderError,
  type JoinKey,
  type KeyValue,
  LarderError,
} from "@larder/schema";
import { encodeEntityKey, type OnlineStore, type ResetScope } from "@larder/store-core";

/** Which rows to remove: a tenant's, or those of one view or one entity of it. */
export interface ResetRequest {
  readonly tenant: string;
  readonly view?: string | undefined;
  /** Join key -> value, as text where it comes from a command line. */
  readonly entity?: Readonly<Record<string, unknown>> | undefined;
  /** Without it nothing is removed and the call fails with CONFIRMATION_REQUIRED. */
  readonly confirmed: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how many rows are gone. */
  readonly onRemoved?: ((rows: number) => void) | undefined;
}

/** What was removed. */
export interface ResetReport {
  readonly tenant: string;
  /** The views that were looked at. */
  readonly views: readonly string[];
  readonly removed: number;
}

/** Rows counted for the question whether to remove them; more are "more than". */
const COUNTED = 100_000;

/** A reset walks over a whole tenant: it gets longer than one call. Milliseconds. */
const RESET_DEADLINE_MS = 600_000;

/**
 * Removes rows of exactly one tenant from the online store, and the materialize positions kept for them; an entity's rows go without their
 * view's position, since the rest of the view stays as it is. Works in bounded steps with pauses, so that others are served; one that was stopped is
 * finished by repeating it, and until then `materialize-incremental` loads everything again.
 * @throws CONFIRMATION_REQUIRED naming how many rows it would remove; UNKNOWN_TENANT, UNKNOWN_VIEW, INVALID_REQUEST
 */
export async function resetRows(
  { definitions, store }: { readonly definitions: Definitions; readonly store: OnlineStore },
  request: ResetRequest,
): Promise<ResetReport> {
  findTenant(definitions, request.tenant);
  const { scopes, views } = resetScopes(definitions, request);
  const { signal } = request;
  const call = {
    tenant: request.tenant,
    deadline: performance.now() + RESET_DEADLINE_MS,
    ...(signal === undefined ? {} : { signal }),
  };
  if (!request.confirmed) {
    let rows = 0;
    for (const scope of scopes) for await (const _ of store.scan(scope, call)) if (++rows > COUNTED) break;
    throw confirmationRequired(request, rows);
  }
  let removed = 0;
  for (const scope of scopes) {
    const before = removed;
    let reached = before;
    const onRemoved = (rows: number) => {
      reached = before + rows;
      request.onRemoved?.(reached);
    };
    try {
      removed = before + (await store.reset(scope, call, { onRemoved }));
    } catch (error) {
      throw isLarderError(error, "ABORTED", "STORE_TIMEOUT", "STORE_UNAVAILABLE") ? unfinished(error, reached) : error;
    }
  }
  return { tenant: request.tenant, views: views.map(({ name }) => name), removed };
}

function resetScopes(
  definitions: Definitions,
  { tenant, view, entity }: ResetRequest,
): { readonly scopes: readonly ResetScope[]; readonly views: readonly FeatureView[] } {
  const named = view === undefined ? [...definitions.views.values()] : [findView(definitions, view)];
  if (entity === undefined) return { scopes: [view === undefined ? { tenant } : { tenant, view }], views: named };
  const given = Object.keys(entity).sort().join(", ");
  const views = named.filter(({ joinKeys }) => joinKeyNames(joinKeys) === given);
  if (views.length === 0) {
    const possible = [...new Set(named.map(({ joinKeys }) => joinKeyNames(joinKeys)))].join(" | ");
    throw new LarderError("INVALID_REQUEST", {
      what: `${view === undefined ? "No feature view" : `Feature view "${view}" does not`} identif${view === undefined ? "ies" : "y"} its entities by ${given || "nothing"}`,
      remedy: `Name an entity by all of its join keys: ${possible}`,
      facts: { field: "entity" },
    });
  }
  return {
    views,
    scopes: views.map((each) => ({
      tenant,
      view: each.name,
      entityKey: encodeEntityKey(each, keyValues(each, entity)),
    })),
  };
}

function keyValues(view: FeatureView, entity: Readonly<Record<string, unknown>>): KeyValue[] {
  return view.joinKeys.map(({ name, type }) => {
    const decoded = decodeKeyValue(type, entity[name]);
    if (decoded.ok) return decoded.value;
    throw new LarderError("INVALID_REQUEST", {
      what: `Join key "${name}" ${decoded.what}`,
      remedy: decoded.remedy,
      facts: { field: name },
    });
  });
}

function joinKeyNames(joinKeys: readonly JoinKey[]): string {
  return joinKeys
    .map(({ name }) => name)
    .sort()
    .join(", ");
}

/** The same failure, saying how far the reset came. */
function unfinished(error: LarderError, removed: number): LarderError {
  return new LarderError(error.code, {
    what: `${error.what}; ${removed} row${removed === 1 ? " was" : "s were"} removed, others are left`,
    remedy: `Run the same reset again to finish it. ${error.remedy}`,
    facts: { ...error.facts, removed },
    cause: error,
  });
}

function confirmationRequired({ tenant, view, entity }: ResetRequest, rows: number): LarderError {
  const count = rows > COUNTED ? `more than ${COUNTED}` : `${rows}`;
  const of = [
    entity === undefined ? "" : "one entity of ",
    view === undefined ? "all feature views" : `feature view "${view}"`,
  ];
  return new LarderError("CONFIRMATION_REQUIRED", {
    what: `This would remove ${count} row${rows === 1 ? "" : "s"} of ${of.join("")} of tenant "${tenant}"; nothing was changed`,
    remedy: "Run it again with --yes to remove them",
    facts: { tenant, view, rows: Math.min(rows, COUNTED) },
  });
}
