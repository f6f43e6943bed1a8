import { consumeForEver } from "./consume-for-ever.ts";
import type {
  BatchConsumer,
  EventSource,
  EventSourceCapabilities,
  Generation,
  PartitionOffset,
  TopicPartition,
} from "./event-source.ts";
import { closedError, fencedError } from "./stream-errors.ts";

/** One life of a client's consumer: from its connection to its end, by a fault or because it was told. */
export interface ConsumerSession {
  /** Hands over until `stop` aborts, and then leaves in good order. Fails with what ended it otherwise. */
  run(stop: AbortSignal): Promise<void>;
  /** What the receiver threw ended it. */
  readonly receiverFailed: boolean;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  seek(position: PartitionOffset): void;
  commit(generation: Generation, offsets: readonly PartitionOffset[]): Promise<void>;
}

/** What differs from client to client. */
export interface SessionClient {
  readonly capabilities: EventSourceCapabilities;
  open(receiver: BatchConsumer, joined: () => void): ConsumerSession;
  /** The client's failures as coded errors. */
  coded(error: unknown): Error;
}

/** An event source of one session after the other: what a fault ends is begun anew. */
export class SessionSource implements EventSource {
  readonly #client: SessionClient;
  readonly #end = new AbortController();
  #session: ConsumerSession | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(client: SessionClient) {
    this.#client = client;
  }

  get capabilities(): EventSourceCapabilities {
    return this.#client.capabilities;
  }

  async consume(receiver: BatchConsumer, signal: AbortSignal): Promise<void> {
    if (this.#end.signal.aborted) throw closedError("The event source");
    const running = consumeForEver(AbortSignal.any([signal, this.#end.signal]), async (stop, joined) => {
      const session = this.#client.open(receiver, joined);
      this.#session = session;
      try {
        await session.run(stop);
      } catch (error) {
        throw session.receiverFailed ? error : this.#client.coded(error);
      } finally {
        this.#session = undefined;
      }
    });
    this.#running = running.catch(() => {});
    await running;
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#session?.pause(partitions);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#session?.resume(partitions);
  }

  seek(position: PartitionOffset): void {
    this.#session?.seek(position);
  }

  async commit(generation: Generation, offsets: readonly PartitionOffset[]): Promise<void> {
    if (this.#session === undefined) throw this.#end.signal.aborted ? closedError("The event source") : fencedError();
    if (offsets.length > 0) await this.#session.commit(generation, offsets);
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
