import type { LarderError } from "@larder/schema";
import type { ViewScope } from "../../../row-store.ts";
import type { SignalQueue } from "../../../signals/signal-queue.ts";
import type { FreshnessSignal, GapCause, Watermark } from "../../../signals/signals.ts";
import type { ChannelWatcher } from "./signal-listener.ts";
import { readSignalMessage, type SignalMessage } from "./signal-message.ts";

/** Messages kept while the watermark is read; one that is not kept shows as a gap. */
const MAX_EARLY = 100;

/**
 * One view of one tenant for one subscriber: turns messages into signals, drops what comes twice, and compares with the watermark whenever a
 * connection is made, so that nothing is missed in silence.
 */
export class ViewWatch implements ChannelWatcher {
  readonly scope: ViewScope;
  readonly #queue: SignalQueue;
  readonly #readMark: () => Promise<Watermark | undefined>;
  /** The last that the subscriber knows of. */
  #last: Watermark | undefined;
  #state: "new" | "live" | "lost" = "new";
  /** Messages that came while the watermark is read. */
  #early: Buffer[] | undefined;

  constructor(scope: ViewScope, queue: SignalQueue, readMark: () => Promise<Watermark | undefined>) {
    this.scope = scope;
    this.#queue = queue;
    this.#readMark = readMark;
  }

  async subscribed(): Promise<void> {
    const early: Buffer[] = [];
    this.#early = early;
    const mark = await this.#readMark();
    if (this.#early !== early) return;
    this.#early = undefined;
    const news = this.#state === "new" || mark?.sequence !== this.#last?.sequence;
    this.#state = "live";
    this.#last = mark;
    if (news) this.#queue.push(this.gap("subscribed"));
    for (const bytes of early) this.message(bytes);
  }

  lost(): void {
    this.#early = undefined;
    if (this.#state !== "live") return;
    this.#state = "lost";
    this.#queue.push(this.gap("disconnected"));
  }

  failed(error: LarderError): void {
    this.#queue.fail(error);
  }

  message(bytes: Buffer): void {
    if (this.#early !== undefined) {
      if (this.#early.length < MAX_EARLY) this.#early.push(bytes);
      return;
    }
    const message = readSignalMessage(bytes);
    if (message === undefined) {
      this.#queue.push(this.gap("missed"));
    } else if (message.kind === "reset") {
      this.#last = undefined;
      this.#queue.push(this.gap("reset"));
    } else {
      this.#move(message);
    }
  }

  gap(cause: GapCause): FreshnessSignal {
    const { tenant, view } = this.scope;
    return { kind: "gap", tenant, view, cause, watermark: this.#last };
  }

  #move({ previous, watermark, entityKeys }: Extract<SignalMessage, { kind: "moved" }>): void {
    const known = this.#last?.sequence ?? 0;
    if (watermark.sequence <= known) return;
    this.#last = watermark;
    if (previous !== known) this.#queue.push(this.gap("missed"));
    const { tenant, view } = this.scope;
    this.#queue.push({ kind: "moved", tenant, view, ...watermark, entityKeys });
  }
}
