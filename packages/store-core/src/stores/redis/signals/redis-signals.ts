import { type Call, storeClosed } from "../../../call.ts";
import type { RowStore, StoredRow, ViewScope } from "../../../row-store.ts";
import { SignalQueue } from "../../../signals/signal-queue.ts";
import { type RowSignals, readWatermark, type Subscription, WATERMARK } from "../../../signals/signals.ts";
import type { RedisConnection } from "../connection.ts";
import { metaKey } from "../redis-keys.ts";
import { SignalListener } from "./signal-listener.ts";
import { SignalSender } from "./signal-sender.ts";
import { ViewWatch } from "./view-watch.ts";

const READ_MS = 5_000;

/** What Redis has to do with signals: watermarks in its meta, and a shard channel by the name of each watermark's key. */
export class RedisSignals implements RowSignals {
  readonly #metaRoot: string;
  readonly #meta: Pick<RowStore, "getMeta">;
  readonly #sender: SignalSender;
  readonly #listener: SignalListener;
  readonly #queues = new Set<SignalQueue>();
  #closed = false;

  constructor(connection: RedisConnection, metaRoot: string, meta: Pick<RowStore, "getMeta">) {
    this.#metaRoot = metaRoot;
    this.#meta = meta;
    this.#sender = new SignalSender(connection, (scope) => this.#channelOf(scope));
    this.#listener = new SignalListener(connection);
  }

  announce(scope: ViewScope, rows: readonly Pick<StoredRow, "entityKey" | "eventTime">[], writeTime: number): void {
    this.#sender.announce(scope, rows, writeTime);
  }

  announceReset(scopes: readonly ViewScope[]): Promise<void> {
    return this.#sender.announceReset(scopes);
  }

  subscribe(scopes: readonly ViewScope[], call: Call): Subscription {
    if (this.#closed) throw storeClosed();
    const watches: ViewWatch[] = [];
    const queue = new SignalQueue(
      call,
      () => watches.map((watch) => watch.gap("overflow")),
      () => {
        this.#queues.delete(queue);
        for (const watch of watches) this.#listener.unwatch(this.#channelOf(watch.scope), watch);
      },
    );
    this.#queues.add(queue);
    for (const scope of scopes) {
      const read = () =>
        readWatermark(this.#meta, scope, { tenant: scope.tenant, deadline: performance.now() + READ_MS });
      watches.push(new ViewWatch(scope, queue, read));
    }
    for (const watch of watches) this.#listener.watch(this.#channelOf(watch.scope), watch);
    return queue;
  }

  /** Announces what is not announced yet and ends every subscription. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const queue of [...this.#queues]) queue.fail(storeClosed());
    await Promise.all([this.#sender.close(), this.#listener.close()]);
  }

  #channelOf(scope: ViewScope): string {
    return metaKey(this.#metaRoot, scope, WATERMARK);
  }
}
