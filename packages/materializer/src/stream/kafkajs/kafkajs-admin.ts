import { isLarderError, type StreamConfig } from "@larder/schema";
import type { Admin } from "kafkajs";
import type { PartitionOffset } from "../event-source.ts";
import type { StreamAdmin } from "../stream-admin.ts";
import { closedError } from "../stream-errors.ts";
import { CLOSE_MS, endWithin, type KafkajsClient, kafkajsError, prepareKafkajs } from "./kafkajs-client.ts";

/** Asks with kafkajs. @throws MISSING_DEPENDENCY, CONFIG_UNREADABLE */
export async function openKafkajsAdmin(config: StreamConfig): Promise<StreamAdmin> {
  return new KafkajsAdmin((await prepareKafkajs(config))());
}

class KafkajsAdmin implements StreamAdmin {
  readonly #client: KafkajsClient;
  readonly #admin: Admin;
  #connected: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(client: KafkajsClient) {
    this.#client = client;
    this.#admin = client.kafka.admin();
  }

  async partitions(topic: string): Promise<readonly number[] | undefined> {
    try {
      const { topics } = await this.#ask(`topic ${topic}`, (admin) => admin.fetchTopicMetadata({ topics: [topic] }));
      return topics[0]?.partitions.map(({ partitionId }) => partitionId).sort((a, b) => a - b);
    } catch (error) {
      if (isLarderError(error) && error.facts["reason"] === "UNKNOWN_TOPIC_OR_PARTITION") return undefined;
      throw error;
    }
  }

  async beginOffsets(topic: string): Promise<readonly PartitionOffset[]> {
    const found = await this.#ask(`offsets of ${topic}`, (admin) => admin.fetchTopicOffsets(topic));
    return toOffsets(
      topic,
      found.map(({ partition, low }) => ({ partition, offset: low })),
    );
  }

  async endOffsets(topic: string): Promise<readonly PartitionOffset[]> {
    const found = await this.#ask(`offsets of ${topic}`, (admin) => admin.fetchTopicOffsets(topic));
    return toOffsets(
      topic,
      found.map(({ partition, high }) => ({ partition, offset: high })),
    );
  }

  async offsetsAt(topic: string, timestamp: number): Promise<readonly PartitionOffset[]> {
    const doing = `offsets of ${topic} by time`;
    return toOffsets(topic, await this.#ask(doing, (admin) => admin.fetchTopicOffsetsByTimestamp(topic, timestamp)));
  }

  async committedOffsets(groupId: string, topic: string): Promise<readonly PartitionOffset[]> {
    const doing = `offsets of group ${groupId}`;
    const found = await this.#ask(doing, (admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
    return toOffsets(topic, found[0]?.partitions ?? []).filter(({ offset }) => offset >= 0n);
  }

  close(): Promise<void> {
    this.#closed ??= endWithin(CLOSE_MS, this.#client, () => this.#admin.disconnect());
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #ask<T>(doing: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw closedError("The stream's admin");
    try {
      this.#connected ??= this.#admin.connect();
      await this.#connected;
      return await question(this.#admin);
    } catch (error) {
      this.#connected = undefined;
      throw kafkajsError(error, doing);
    }
  }
}

function toOffsets(
  topic: string,
  found: readonly { readonly partition: number; readonly offset: string }[],
): PartitionOffset[] {
  const offsets = found.map(({ partition, offset }) => ({ topic, partition, offset: BigInt(offset) }));
  return offsets.sort((a, b) => a.partition - b.partition);
}
