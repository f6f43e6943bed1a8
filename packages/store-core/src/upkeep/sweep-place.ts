import type { Call } from "../call.ts";
import type { PageScope, RowStore } from "../row-store.ts";

/** Where a sweep of a scope stands. */
export interface SweepPlace {
  /** When this walk through the scope began. Microseconds. */
  readonly started: number;
  /** Where to go on. */
  readonly cursor: string;
}

const META_NAME = "sweep";

/** The place that the last sweep of this very scope kept, unless it came to the end. One that cannot be read costs a walk from the beginning. */
export async function readSweepPlace(
  store: Pick<RowStore, "getMeta">,
  scope: PageScope,
  call: Call,
): Promise<SweepPlace | undefined> {
  const found = await store.getMeta(metaScope(scope), META_NAME, call);
  if (found === undefined) return undefined;
  const [started = "", cursor = ""] = Buffer.from(found.bytes).toString("utf8").split("\n");
  return /^\d+$/.test(started) && cursor !== "" ? { started: Number(started), cursor } : undefined;
}

/** Keeps a place; undefined: it came to the end. Of two sweeps at once the later word holds: both did their part, and neither harms the other. */
export async function writeSweepPlace(
  store: Pick<RowStore, "getMeta" | "putMeta" | "deleteMeta">,
  scope: PageScope,
  place: SweepPlace | undefined,
  call: Call,
): Promise<void> {
  const at = metaScope(scope);
  if (place === undefined) return store.deleteMeta(at, META_NAME, call);
  const bytes = Buffer.from(`${place.started}\n${place.cursor}`);
  const found = await store.getMeta(at, META_NAME, call);
  await store.putMeta(at, META_NAME, bytes, found?.revision, call);
}

function metaScope({ project, tenant, view }: PageScope) {
  return { project, ...(tenant === undefined ? {} : { tenant }), ...(view === undefined ? {} : { view }) };
}
