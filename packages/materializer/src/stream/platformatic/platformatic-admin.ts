import { isLarderError, type StreamConfig } from "@larder/schema";
import type { Admin } from "@platformatic/kafka";
import type { PartitionOffset } from "../event-source.ts";
import type { StreamAdmin } from "../stream-admin.ts";
import { closedError } from "../stream-errors.ts";
import { platformaticError, preparePlatformatic } from "./platformatic-client.ts";

/** Asks with @platformatic/kafka. @throws MISSING_DEPENDENCY, CONFIG_UNREADABLE */
export async function openPlatformaticAdmin(config: StreamConfig): Promise<StreamAdmin> {
  const { package: loaded, options } = await preparePlatformatic(config);
  return new PlatformaticAdmin(new loaded.Admin(options));
}

class PlatformaticAdmin implements StreamAdmin {
  readonly #admin: Admin;
  #closed: Promise<void> | undefined;

  constructor(admin: Admin) {
    this.#admin = admin;
  }

  async partitions(topic: string): Promise<readonly number[] | undefined> {
    try {
      const { topics } = await this.#ask(`topic ${topic}`, (admin) =>
        admin.metadata({ topics: [topic], forceUpdate: true }),
      );
      return topics.get(topic)?.partitions.map((_, partition) => partition);
    } catch (error) {
      if (isLarderError(error) && error.facts["reason"] === "UNKNOWN_TOPIC_OR_PARTITION") return undefined;
      throw error;
    }
  }

  beginOffsets(topic: string): Promise<readonly PartitionOffset[]> {
    return this.#listed(topic, EARLIEST);
  }

  endOffsets(topic: string): Promise<readonly PartitionOffset[]> {
    return this.#listed(topic, LATEST);
  }

  async offsetsAt(topic: string, timestamp: number): Promise<readonly PartitionOffset[]> {
    const found = await this.#listed(topic, BigInt(timestamp));
    if (found.every(({ offset }) => offset >= 0n)) return found;
    // -1 says that no record is as young.
    const ends = await this.endOffsets(topic);
    return found.map((each, i) => (each.offset >= 0n ? each : (ends[i] ?? each)));
  }

  async committedOffsets(groupId: string, topic: string): Promise<readonly PartitionOffset[]> {
    const partitionIndexes = [...((await this.partitions(topic)) ?? [])];
    const groups = [{ groupId, topics: [{ name: topic, partitionIndexes }] }];
    const found = await this.#ask(`offsets of group ${groupId}`, (admin) => admin.listConsumerGroupOffsets({ groups }));
    const partitions = found[0]?.topics[0]?.partitions ?? [];
    return partitions
      .map(({ partitionIndex, committedOffset }) => ({ topic, partition: partitionIndex, offset: committedOffset }))
      .filter(({ offset }) => offset >= 0n)
      .sort((a, b) => a.partition - b.partition);
  }

  close(): Promise<void> {
    this.#closed ??= this.#admin.close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #listed(topic: string, timestamp: bigint): Promise<readonly PartitionOffset[]> {
    const partitions = ((await this.partitions(topic)) ?? []).map((partitionIndex) => ({ partitionIndex, timestamp }));
    const topics = [{ name: topic, partitions }];
    const [listed] = await this.#ask(`offsets of ${topic}`, (admin) => admin.listOffsets({ topics }));
    const offsets = (listed?.partitions ?? []).map(({ partitionIndex, offset }) => ({
      topic,
      partition: partitionIndex,
      offset,
    }));
    return offsets.sort((a, b) => a.partition - b.partition);
  }

  async #ask<T>(doing: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw closedError("The stream's admin");
    try {
      return await question(this.#admin);
    } catch (error) {
      throw platformaticError(error, doing);
    }
  }
}

const LATEST = -1n;
const EARLIEST = -2n;
