import { setTimeout as wait } from "node:timers/promises";
import { isLarderError, type StreamConfig } from "@larder/schema";
import type { Admin, Cluster, PartitionAssigner, TopicOffsets } from "kafkajs";
import type { PartitionOffset } from "../event-source.ts";
import type { GroupMember, StreamAdmin } from "../stream-admin.ts";
import { closedError, groupActiveError } from "../stream-errors.ts";
import { byTopic } from "../topic-offsets.ts";
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

  async keepsRecordTimes(topic: string): Promise<boolean> {
    const resources = [{ type: TOPIC, name: topic, configNames: [TIMESTAMP_TYPE] }];
    const doing = `the configuration of ${topic}`;
    const { resources: found } = await this.#ask(doing, (admin) =>
      admin.describeConfigs({ resources, includeSynonyms: false }),
    );
    return found[0]?.configEntries.some((entry) => entry.configValue === "LogAppendTime") !== true;
  }

  async deleteBefore(positions: readonly PartitionOffset[]): Promise<void> {
    for (const [topic, ofTopic] of Map.groupBy(positions, (position) => position.topic)) {
      const partitions = ofTopic.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
      await this.#ask(`to delete records of ${topic}`, (admin) => admin.deleteTopicRecords({ topic, partitions }));
    }
  }

  async members(groupId: string): Promise<readonly GroupMember[]> {
    const { groups } = await this.#ask(`group ${groupId}`, (admin) => admin.describeGroups([groupId]));
    return (groups[0]?.members ?? []).map(({ memberId, clientId, clientHost }) => ({
      id: memberId,
      clientId,
      host: clientHost,
    }));
  }

  async setOffsets(groupId: string, offsets: readonly PartitionOffset[]): Promise<void> {
    if (offsets.length === 0) return;
    const topics = [...byTopic(offsets)].map(([topic, partitions]) => ({
      topic,
      partitions: partitions.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
    }));
    try {
      await this.#ask(`offsets of group ${groupId}`, () => this.#commitOfNobody(groupId, topics));
    } catch (error) {
      await this.#refuseMembers(groupId);
      throw error;
    }
  }

  /**
   * Commits without a generation, which the broker takes for a group without members only. kafkajs's own way is to join the group, fetch for up to five
   * seconds, and hope that nobody else joins meanwhile; a consumer that never runs lends the connections.
   */
  async #commitOfNobody(groupId: string, topics: TopicOffsets[]): Promise<void> {
    const { package: loaded, kafka } = this.#client;
    let lent: Cluster | undefined;
    const lender: PartitionAssigner = (config) => {
      lent = config.cluster;
      return loaded.PartitionAssigners.roundRobin(config);
    };
    const consumer = kafka.consumer({ groupId, partitionAssigners: [lender], allowAutoTopicCreation: false });
    try {
      await consumer.connect();
      if (lent === undefined) throw new TypeError("kafkajs lends no cluster to assigners. Install kafkajs@2.2.4.");
      const coordinator = await (lent as Cluster).findGroupCoordinator({ groupId });
      await coordinator.offsetCommit({ groupId, groupGenerationId: -1, memberId: "", topics });
    } finally {
      await consumer.disconnect();
    }
  }

  async deleteGroup(groupId: string): Promise<void> {
    try {
      await this.#ask(`the end of group ${groupId}`, (admin) => admin.deleteGroups([groupId]));
    } catch (error) {
      if (isLarderError(error) && error.facts["reason"] === "GROUP_ID_NOT_FOUND") return;
      await this.#refuseMembers(groupId);
      throw error;
    }
  }

  async #refuseMembers(groupId: string): Promise<void> {
    const members = await this.members(groupId);
    if (members.length > 0) throw groupActiveError(groupId, members);
  }

  close(): Promise<void> {
    this.#closed ??= endWithin(CLOSE_MS, this.#client, () => this.#admin.disconnect());
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #ask<T>(doing: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    for (let waits = 0; ; waits++) {
      try {
        return await this.#askOnce(doing, question);
      } catch (error) {
        // kafkajs does not ask again itself where a coordinator that has just taken over a group still reads what it has.
        if (waits === MOST_WAITS || !isLarderError(error) || !LOADING.has(String(error.facts["reason"]))) throw error;
        await wait(WAIT_MS);
      }
    }
  }

  async #askOnce<T>(doing: string, question: (admin: Admin) => Promise<T>): Promise<T> {
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

const TOPIC = 2;
const TIMESTAMP_TYPE = "message.timestamp.type";
const LOADING: ReadonlySet<string> = new Set([
  "GROUP_LOAD_IN_PROGRESS",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR_FOR_GROUP",
]);
const MOST_WAITS = 50;
const WAIT_MS = 100;

function toOffsets(
  topic: string,
  found: readonly { readonly partition: number; readonly offset: string }[],
): PartitionOffset[] {
  const offsets = found.map(({ partition, offset }) => ({ topic, partition, offset: BigInt(offset) }));
  return offsets.sort((a, b) => a.partition - b.partition);
}
