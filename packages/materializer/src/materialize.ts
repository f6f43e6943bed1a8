import type { MaterializeReport } from "./report.ts";
import type { MaterializeParts, RunRequest } from "./run.ts";
import { runViews } from "./run-views.ts";
import { checkWindow, type MaterializeWindow } from "./window.ts";

/** What to materialize. */
export interface MaterializeRequest extends RunRequest, MaterializeWindow {}

/**
 * Loads the latest row of every entity with an event time in the window into the online store, view by view, in chunks. Rows that cannot be used
 * are counted and listed; they never stop a run. A checkpoint in the online store is written after each chunk: after a kill, a failure of the
 * store or a cancel, a run with the same arguments continues there, unless files or definitions have changed.
 * @throws INVALID_REQUEST for a window that ends before it starts; UNKNOWN_VIEW, UNKNOWN_TENANT; SOURCE_… and OFFLINE_FAILED; STORE_TIMEOUT and
 * STORE_UNAVAILABLE when the store stays away; STORE_CONFLICT when another run works on the view; ABORTED
 */
export async function materialize(parts: MaterializeParts, request: MaterializeRequest): Promise<MaterializeReport> {
  const window = checkWindow(request);
  return runViews(parts, request, () => ({ window, late: undefined, covered: window }));
}
