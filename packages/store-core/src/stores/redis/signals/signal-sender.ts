import { isLarderError, LarderError } from "@larder/schema";
import { type StoreSignal, storeSignals } from "../../../diagnostics.ts";
import type { StoredRow, ViewScope } from "../../../row-store.ts";
import type { RedisConnection, Reply } from "../connection.ts";
import { CHANNEL_RIGHTS } from "../redis-errors.ts";
import { announce, runOne } from "../scripts.ts";
import { NamedKeys, RESET_MESSAGE } from "./signal-message.ts";

/** Least time between two signals of one view: what is written meanwhile goes with the next. */
const WINDOW_MS = 100;

/** What could not be sent is tried again after this long. */
const RETRY_MS = 1_000;

const SEND_MS = 2_000;

/** What is not announced yet. */
interface Unsent {
  eventTime: number;
  writeTime: number;
  readonly keys: NamedKeys;
}

/** The signals of one view of one tenant. */
interface Lane {
  readonly scope: ViewScope;
  readonly channel: string;
  unsent: Unsent | undefined;
  timer: NodeJS.Timeout | undefined;
  sending: Promise<void> | undefined;
  /** Not before this point on the `performance.now()` line. */
  next: number;
}

/**
 * Announces rows by a second command after theirs: at once, and then at most ten times a second per view, so that it costs a busy writer next to
 * nothing; the last state is always announced. Its memory is bounded by views x tenants.
 */
export class SignalSender {
  readonly #connection: RedisConnection;
  readonly #channelOf: (scope: ViewScope) => string;
  readonly #lanes = new Map<string, Lane>();
  #closed = false;

  constructor(connection: RedisConnection, channelOf: (scope: ViewScope) => string) {
    this.#connection = connection;
    this.#channelOf = channelOf;
  }

  announce(scope: ViewScope, rows: readonly Pick<StoredRow, "entityKey" | "eventTime">[], writeTime: number): void {
    if (rows.length === 0) return;
    const lane = this.#laneOf(scope);
    lane.unsent ??= { eventTime: Number.NEGATIVE_INFINITY, writeTime, keys: new NamedKeys() };
    lane.unsent.writeTime = writeTime;
    for (const { entityKey, eventTime } of rows) {
      if (eventTime > lane.unsent.eventTime) lane.unsent.eventTime = eventTime;
      lane.unsent.keys.add(entityKey);
    }
    this.#schedule(lane);
  }

  async announceReset(scopes: readonly ViewScope[]): Promise<void> {
    const send = (scope: ViewScope) =>
      this.#attempt(scope, async () => {
        const command = ["SPUBLISH", [this.#channelOf(scope), RESET_MESSAGE]] as const;
        await runOne(this.#connection, command, this.#wait(SEND_MS));
      });
    await Promise.all(scopes.map(send));
  }

  /** Sends what is not sent yet, within a second; what is written later is not announced. */
  async close(): Promise<void> {
    this.#closed = true;
    const last = [...this.#lanes.values()].map(async (lane) => {
      clearTimeout(lane.timer);
      await lane.sending;
      if (lane.unsent !== undefined) await this.#send(lane, 1_000);
    });
    await Promise.all(last);
  }

  #laneOf(scope: ViewScope): Lane {
    const channel = this.#channelOf(scope);
    let lane = this.#lanes.get(channel);
    if (lane === undefined) {
      lane = { scope, channel, unsent: undefined, timer: undefined, sending: undefined, next: 0 };
      this.#lanes.set(channel, lane);
    }
    return lane;
  }

  #schedule(lane: Lane): void {
    if (this.#closed || lane.unsent === undefined || lane.timer !== undefined || lane.sending !== undefined) return;
    const wait = lane.next - performance.now();
    const start = () => {
      lane.timer = undefined;
      lane.sending = this.#send(lane, SEND_MS).finally(() => {
        lane.sending = undefined;
        this.#schedule(lane);
      });
    };
    if (wait <= 0) start();
    // Nothing is lost by a process that ends meanwhile without closing: it is one that died in between.
    else lane.timer = setTimeout(start, Math.ceil(wait)).unref();
  }

  async #send(lane: Lane, milliseconds: number): Promise<void> {
    const unsent = lane.unsent as Unsent;
    lane.unsent = undefined;
    lane.next = performance.now() + WINDOW_MS;
    const args = [String(unsent.eventTime), String(unsent.writeTime), unsent.keys.text];
    const failure = await this.#attempt(lane.scope, async () => {
      const run = { script: announce, keys: [lane.channel], args };
      refuseUnpublished(await runOne(this.#connection, run, this.#wait(milliseconds)), this.#connection.server);
    });
    if (!isLarderError(failure, "STORE_UNAVAILABLE", "STORE_TIMEOUT")) return;
    // It may have got through all the same: two signals of one write do no harm.
    lane.next = performance.now() + RETRY_MS;
    this.#takeBack(lane, unsent);
  }

  #takeBack(lane: Lane, unsent: Unsent): void {
    const later = lane.unsent;
    lane.unsent = unsent;
    if (later === undefined) return;
    unsent.eventTime = Math.max(unsent.eventTime, later.eventTime);
    unsent.writeTime = later.writeTime;
    unsent.keys.addAll(later.keys);
  }

  /** Runs one attempt and counts it. Answers the failure, which is nobody's to catch. */
  async #attempt({ project, tenant, view }: ViewScope, send: () => Promise<void>): Promise<unknown> {
    let failure: unknown;
    try {
      await send();
    } catch (error) {
      failure = error;
    }
    const failed = failure === undefined ? undefined : isLarderError(failure) ? failure.code : "INTERNAL";
    if (storeSignals.hasSubscribers) storeSignals.publish({ project, tenant, view, failed } satisfies StoreSignal);
    return failure;
  }

  #wait(milliseconds: number) {
    return { deadline: performance.now() + milliseconds, signal: undefined };
  }
}

/** @throws STORE_MISCONFIGURED when the watermark moved and nobody could be told */
function refuseUnpublished(reply: Reply, server: string): void {
  const text = String(reply);
  if (text === "") return;
  throw new LarderError("STORE_MISCONFIGURED", {
    what: `Redis at ${server} publishes no freshness signal: ${text.slice(0, 300)}`,
    remedy: CHANNEL_RIGHTS,
    facts: { server },
  });
}
