import type { Definitions, FeatureRow, FeatureView, KeyValue, Problem } from "@larder/schema";
import { orUnavailable, type Unavailable } from "./unavailable.ts";

/** The entity's rows in the offline source, if they can be read. */
export type SourceEvidence =
  | {
      readonly kind: "rows";
      /** The newest first. */
      readonly rows: readonly SourceRow[];
      /** There are older rows than these. */
      readonly more: boolean;
    }
  | Unavailable;

/** One row of the source: one that can be written, now or when its time has come, or one that no write takes. */
export type SourceRow =
  | { readonly kind: "row"; readonly row: FeatureRow; readonly ahead: boolean }
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

/** Rows looked at: the newest decide. */
const MAX_SOURCE_ROWS = 20;

/** A source may be large, and somebody waits. Milliseconds. */
const SOURCE_MS = 60_000;

/** Reads the newest rows of one entity from the source of its view. */
export async function readSource(request: {
  readonly definitions: Definitions;
  readonly view: FeatureView;
  readonly tenant: string;
  readonly entityKey: readonly KeyValue[];
  readonly now: number;
  readonly signal: AbortSignal | undefined;
}): Promise<SourceEvidence> {
  const { view, now, signal } = request;
  if (view.source === undefined) return noSource(view);
  const ends = AbortSignal.timeout(SOURCE_MS);
  const either = signal === undefined ? ends : AbortSignal.any([signal, ends]);
  return orUnavailable(signal, async (): Promise<SourceEvidence> => {
    const { readEntityHistory } = await import("@larder/training-features");
    const { rows, more } = await readEntityHistory({ ...request, limit: MAX_SOURCE_ROWS, signal: either });
    return { kind: "rows", rows: rows.map((record) => sourceRow(view, record, now)), more };
  });
}

function sourceRow(view: FeatureView, record: Readonly<Record<string, unknown>>, now: number): SourceRow {
  const decoded = view.rowDecoder.decode(record, view.name);
  if (!decoded.ok) return { kind: "refused", problems: decoded.problems };
  return { kind: "row", row: decoded.row, ahead: decoded.row.eventTime > now + view.maxFuture };
}

function noSource({ name }: FeatureView): Unavailable {
  return {
    kind: "unavailable",
    code: "SOURCE_NOT_FOUND",
    what: `Feature view "${name}" has no batch source`,
    remedy: "Push its rows",
  };
}
