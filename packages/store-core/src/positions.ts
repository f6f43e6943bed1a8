import type { Definitions } from "@larder/schema";
import type { Call } from "./call.ts";
import type { ResetScope } from "./online-store.ts";
import type { RowStore } from "./row-store.ts";
import { WATERMARK } from "./signals/signals.ts";

/** Meta names that belong to a scope's rows and go with them at a reset. */
export const POSITION_NAMES = ["position", "checkpoint", WATERMARK] as const;

/** Removes the positions of the views that a reset empties. One entity's rows have none. */
export async function clearPositions(
  store: Pick<RowStore, "deleteMeta">,
  { project, views }: Pick<Definitions, "project" | "views">,
  { tenant, view, entityKey }: ResetScope,
  call: Call,
): Promise<void> {
  if (entityKey !== undefined) return;
  for (const name of view === undefined ? views.keys() : [view]) {
    for (const position of POSITION_NAMES) await store.deleteMeta({ project, tenant, view: name }, position, call);
  }
}
