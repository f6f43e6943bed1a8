import { LarderError } from "@larder/schema";
import type { Call } from "../call.ts";
import type { MetaValue, RowStore, StoredRow, ViewScope } from "../row-store.ts";

/** How far a view of a tenant is written. Times are microseconds since the epoch. */
export interface Watermark {
  /** Newest event time that was written, never later than {@link writeTime}: what is dated ahead of the clock counts as now. */
  readonly eventTime: number;
  /** When the last announced rows were written, by the clock of their writer. */
  readonly writeTime: number;
  /** Rises with every signal, also over a reset of the view; it says which came first, and counts nothing. */
  readonly sequence: number;
}

/**
 * What a subscriber is told of one view of one tenant. `moved`: rows were written. `gap`: something may have happened that is not told; what was
 * known of the view's rows is to be read again, and `watermark` says where it stands now, as far as that is known.
 */
export type FreshnessSignal =
  | ({
      readonly kind: "moved";
      readonly tenant: string;
      readonly view: string;
      /** Entity keys of the rows that were written since the signal before; undefined: too many to name. */
      readonly entityKeys: readonly string[] | undefined;
    } & Watermark)
  | {
      readonly kind: "gap";
      readonly tenant: string;
      readonly view: string;
      readonly cause: GapCause;
      readonly watermark: Watermark | undefined;
    };

/**
 * `subscribed`: from here on signals are told; it comes first, and again after a lost connection if anything was missed. `disconnected`: nothing
 * is heard until then. `missed`: a signal was lost. `overflow`: the subscriber took too long. `reset`: rows were removed.
 */
export type GapCause = "subscribed" | "disconnected" | "missed" | "overflow" | "reset";

/** A subscription names a tenant, and optionally a view of it. */
export interface SignalScope {
  readonly tenant: string;
  readonly view?: string;
}

/** A subscription: ended by `return()`, which leaving a `for await` calls, by the call's signal or deadline, or with the store. */
export type Subscription = AsyncIterableIterator<FreshnessSignal, undefined>;

/** What a backend with push has besides its rows. Sending never fails a write, and none waits for it: what fails is counted (`storeSignals`). */
export interface RowSignals {
  /** Says that rows of a view are stored as given, soon: signals of one view are bundled. `writeTime` is the clock's now. */
  announce(scope: ViewScope, rows: readonly Pick<StoredRow, "entityKey" | "eventTime">[], writeTime: number): void;
  /** Says that rows of some views were removed. */
  announceReset(scopes: readonly ViewScope[]): Promise<void>;
  /** See OnlineStore. */
  subscribe(scopes: readonly ViewScope[], call: Call): Subscription;
}

/** The meta name of a view's watermark. */
export const WATERMARK = "watermark";

/** The watermark of a view; undefined where no write was announced. @throws STORE_CORRUPT, and what reading the store throws */
export async function readWatermark(
  store: Pick<RowStore, "getMeta">,
  scope: ViewScope,
  call: Call,
): Promise<Watermark | undefined> {
  const meta = await store.getMeta(scope, WATERMARK, call);
  return meta === undefined ? undefined : decodeWatermark(scope, meta);
}

function decodeWatermark({ tenant, view }: ViewScope, { bytes, revision }: MetaValue): Watermark {
  const [eventTime, writeTime] = Buffer.from(bytes).toString("latin1").split(",").map(Number);
  const sequence = Number(revision);
  if (Number.isSafeInteger(eventTime) && Number.isSafeInteger(writeTime) && Number.isSafeInteger(sequence)) {
    return { eventTime: eventTime as number, writeTime: writeTime as number, sequence };
  }
  throw new LarderError("STORE_CORRUPT", {
    what: `The watermark of view "${view}" of tenant "${tenant}" in the online store cannot be read`,
    remedy: "Reset the view, or remove the watermark; the next write makes a new one",
    facts: { tenant, view },
  });
}

/** The error of a store without push. */
export function withoutSignals(): LarderError {
  return new LarderError("UNSUPPORTED", {
    what: "This online store sends no freshness signals",
    remedy: "Set online_store.type to redis",
    facts: { field: "online_store.type" },
  });
}
