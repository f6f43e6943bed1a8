import type { StreamConfig } from "@larder/schema";
import { consumeForEver } from "../consume-for-ever.ts";
import type { BatchConsumer, EventSource, Generation, PartitionOffset, TopicPartition } from "../event-source.ts";
import { closedError, fencedError } from "../stream-errors.ts";
import { type PreparedPlatformatic, platformaticError, preparePlatformatic } from "./platformatic-client.ts";
import { PlatformaticSession } from "./platformatic-session.ts";

/** Reads the topics with @platformatic/kafka. @throws MISSING_DEPENDENCY, CONFIG_UNREADABLE */
export async function openPlatformaticSource(config: StreamConfig, topics: readonly string[]): Promise<EventSource> {
  return new PlatformaticSource(config, topics, await preparePlatformatic(config));
}

class PlatformaticSource implements EventSource {
  readonly capabilities = { cooperative: false, staticMembership: false };
  readonly #config: StreamConfig;
  readonly #topics: readonly string[];
  readonly #prepared: PreparedPlatformatic;
  readonly #end = new AbortController();
  #session: PlatformaticSession | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(config: StreamConfig, topics: readonly string[], prepared: PreparedPlatformatic) {
    this.#config = config;
    this.#topics = topics;
    this.#prepared = prepared;
  }

  async consume(receiver: BatchConsumer, signal: AbortSignal): Promise<void> {
    if (this.#end.signal.aborted) throw closedError("The event source");
    const running = consumeForEver(AbortSignal.any([signal, this.#end.signal]), async (stop, joined) => {
      const session = new PlatformaticSession(this.#prepared, this.#config, this.#topics, receiver, joined);
      this.#session = session;
      try {
        await session.run(stop);
      } catch (error) {
        if (session.receiverFailed) throw error;
        throw platformaticError(error, `${this.#topics.join(", ")} as group ${this.#config.groupId}`);
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
