import { isLarderError, type StreamConfig } from "@larder/schema";
import type { Admin } from "@platformatic/kafka";
import type { PartitionOffset } from "../event-source.ts";
import type { GroupMember, StreamAdmin } from "../stream-admin.ts";
import { closedError, groupActiveError } from "../stream-errors.ts";
import { byTopic } from "../topic-offsets.ts";
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

  async keepsRecordTimes(topic: string): Promise<boolean> {
    const resources = [{ resourceType: TOPIC, resourceName: topic, configurationKeys: ["message.timestamp.type"] }];
    const doing = `the configuration of ${topic}`;
    const found = await this.#ask(doing, (admin) => admin.describeConfigs({ resources }));
    return found[0]?.configs.some(({ value }) => value === "LogAppendTime") !== true;
  }

  async deleteBefore(positions: readonly PartitionOffset[]): Promise<void> {
    const topics = [...Map.groupBy(positions, ({ topic }) => topic)].map(([name, ofTopic]) => {
      return { name, partitions: ofTopic.map(({ partition, offset }) => ({ partition, offset })) };
    });
    await this.#ask("to delete records", (admin) => admin.deleteRecords({ topics }));
  }

  async members(groupId: string): Promise<readonly GroupMember[]> {
    try {
      const groups = await this.#ask(`group ${groupId}`, (admin) => admin.describeGroups({ groups: [groupId] }));
      const members = [...(groups.get(groupId)?.members.values() ?? [])];
      return members.map(({ id, clientId, clientHost }) => ({ id, clientId, host: clientHost }));
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  }

  async setOffsets(groupId: string, offsets: readonly PartitionOffset[]): Promise<void> {
    const topics = [...byTopic(offsets)].map(([name, partitionOffsets]) => ({
      name,
      partitionOffsets: partitionOffsets.map(({ partition, offset }) => ({ partition, offset })),
    }));
    if (topics.length === 0) return;
    await this.#ofNobody(groupId, (admin) => admin.alterConsumerGroupOffsets({ groupId, topics }));
  }

  async deleteGroup(groupId: string): Promise<void> {
    try {
      await this.#ofNobody(groupId, (admin) => admin.deleteGroups({ groups: [groupId] }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Does what the broker refuses where the group has members, and says then who they are. */
  async #ofNobody(groupId: string, work: (admin: Admin) => Promise<void>): Promise<void> {
    try {
      await this.#ask(`offsets of group ${groupId}`, work);
    } catch (error) {
      const members = isNotFound(error) ? [] : await this.members(groupId);
      throw members.length > 0 ? groupActiveError(groupId, members) : error;
    }
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

const TOPIC = 2 as const;
function isNotFound(error: unknown): boolean {
  return isLarderError(error) && error.facts["reason"] === "GROUP_ID_NOT_FOUND";
}

const LATEST = -1n;
const EARLIEST = -2n;
