import type { Admin, Producer } from "@platformatic/kafka";
import { until } from "./until.ts";

/** A record to append. Text is UTF-8. */
export interface KafkaRecord {
  readonly key?: string | Uint8Array;
  /** Absent or null makes a tombstone. */
  readonly value?: string | Uint8Array | null;
  /** Default: by the key, else in turn. */
  readonly partition?: number;
  /** Milliseconds of the epoch. Default: now. */
  readonly timestamp?: number;
  readonly headers?: Readonly<Record<string, string | Uint8Array>>;
}

/** How a topic is made. */
export interface KafkaTopicOptions {
  /** Default: 4. */
  readonly partitions?: number;
  /** `{ "max.message.bytes": "20000000" }` */
  readonly config?: Readonly<Record<string, string>>;
}

/** How the batches of records are packed. */
export type KafkaCompression = "none" | "gzip" | "snappy" | "lz4" | "zstd";

/** A right, as Kafka's ACLs state it; a name that ends with `*` is a prefix. */
export interface KafkaRight {
  readonly user: string;
  readonly on: "topic" | "group";
  readonly name: string;
  readonly to: "read" | "write" | "describe" | "create" | "all";
}

/** What tests do to a Kafka beside the client under test. Each call has connections of its own, so that a broker may come and go in between. */
export interface KafkaHand {
  /** Makes a topic and waits until it can be used. */
  createTopic(name: string, options?: KafkaTopicOptions): Promise<void>;
  deleteTopic(name: string): Promise<void>;
  alterTopic(name: string, config: Readonly<Record<string, string>>): Promise<void>;
  /** Appends in the given order per partition and waits until all replicas have the records. */
  produce(topic: string, records: readonly KafkaRecord[], compression?: KafkaCompression): Promise<void>;
  /** The offset after the last record of each partition. */
  endOffsets(topic: string): Promise<bigint[]>;
  /** What a group has committed per partition, -1 where nothing. */
  committed(group: string, topic: string): Promise<bigint[]>;
  /** Allows something to a user that comes by the second listener. */
  allow(...rights: readonly KafkaRight[]): Promise<void>;
}

/** The hand for the Kafka at `brokers`. */
export function kafkaHand(brokers: readonly string[]): KafkaHand {
  const settings = { clientId: "larder-test", bootstrapBrokers: [...brokers], retries: 20, retryDelay: 100 };
  const withAdmin = async <T>(work: (admin: Admin) => Promise<T>): Promise<T> => {
    // Every test file imports the testkit, few need Kafka.
    const { Admin: Made } = await import("@platformatic/kafka");
    const admin = new Made(settings);
    try {
      return await work(admin);
    } finally {
      await admin.close();
    }
  };
  const partitionsOf = async (admin: Admin, topic: string) => {
    const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
    const known = topics.get(topic);
    if (known === undefined) throw new Error(`There is no topic ${topic}.`);
    return known.partitions.map((partition, index) => ({ index, leader: partition.leader }));
  };
  const endOffsetsBy = async (admin: Admin, topic: string) => {
    const partitions = await partitionsOf(admin, topic);
    const wanted = partitions.map(({ index }) => ({ partitionIndex: index, timestamp: -1n }));
    const [listed] = await admin.listOffsets({ topics: [{ name: topic, partitions: wanted }] });
    return inOrder(listed?.partitions ?? [], ({ offset }) => offset);
  };
  return {
    createTopic: (name, { partitions = 4, config = {} } = {}) =>
      withAdmin(async (admin) => {
        const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }));
        await admin.createTopics({ topics: [name], partitions, replicas: -1, configs });
        await until(30_000, `topic ${name} has leaders`, async () => {
          const found = await partitionsOf(admin, name);
          if (found.length !== partitions || found.some(({ leader }) => leader < 0)) return false;
          // A leader that does not know of it yet refuses, which a producer would answer by sending all partitions' records again.
          await endOffsetsBy(admin, name);
          return true;
        });
      }),
    deleteTopic: (name) => withAdmin((admin) => admin.deleteTopics({ topics: [name] })),
    alterTopic: (name, config) =>
      withAdmin(async (admin) => {
        const { ConfigResourceTypes, IncrementalAlterConfigOperationTypes } = await import("@platformatic/kafka");
        const configOperation = IncrementalAlterConfigOperationTypes.SET;
        const configs = Object.entries(config).map(([key, value]) => ({ name: key, value, configOperation }));
        const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: name, configs };
        await admin.incrementalAlterConfigs({ resources: [resource] });
      }),
    async produce(topic, records, compression = "none") {
      const { Producer: Made } = await import("@platformatic/kafka");
      const producer: Producer = new Made({ ...settings, idempotent: true });
      try {
        for (let from = 0; from < records.length; from += BATCH) {
          const messages = records.slice(from, from + BATCH).map((record) => toMessage(topic, record));
          await producer.send({ messages, compression, acks: -1 });
        }
      } finally {
        await producer.close();
      }
    },
    endOffsets: (topic) => withAdmin((admin) => endOffsetsBy(admin, topic)),
    committed: (group, topic) =>
      withAdmin(async (admin) => {
        const partitionIndexes = (await partitionsOf(admin, topic)).map(({ index }) => index);
        const groups = [{ groupId: group, topics: [{ name: topic, partitionIndexes }] }];
        const [found] = await admin.listConsumerGroupOffsets({ groups });
        return inOrder(found?.topics[0]?.partitions ?? [], ({ committedOffset }) => committedOffset);
      }),
    allow: (...rights) =>
      withAdmin(async (admin) => {
        const { AclOperations, AclPermissionTypes, ResourcePatternTypes, ResourceTypes } = await import(
          "@platformatic/kafka"
        );
        const operations = {
          read: AclOperations.READ,
          write: AclOperations.WRITE,
          describe: AclOperations.DESCRIBE,
          create: AclOperations.CREATE,
          all: AclOperations.ALL,
        };
        const creations = rights.map(({ user, on, name, to }) => ({
          resourceType: on === "topic" ? ResourceTypes.TOPIC : ResourceTypes.GROUP,
          resourceName: name === "*" ? name : name.replace(/\*$/, ""),
          resourcePatternType:
            name !== "*" && name.endsWith("*") ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
          principal: `User:${user}`,
          host: "*",
          operation: operations[to],
          permissionType: AclPermissionTypes.ALLOW,
        }));
        await admin.createAcls({ creations });
      }),
  };
}

const BATCH = 2_000;

function toMessage(topic: string, record: KafkaRecord) {
  const { key, value, partition, timestamp, headers = {} } = record;
  return {
    topic,
    ...(key === undefined ? {} : { key: Buffer.from(key) }),
    ...(value === undefined || value === null ? {} : { value: Buffer.from(value) }),
    ...(partition === undefined ? {} : { partition }),
    ...(timestamp === undefined ? {} : { timestamp: BigInt(timestamp) }),
    headers: new Map(Object.entries(headers).map(([name, bytes]) => [Buffer.from(name), Buffer.from(bytes)])),
  };
}

function inOrder<T extends { readonly partitionIndex: number }>(rows: readonly T[], of: (row: T) => bigint): bigint[] {
  return [...rows].sort((a, b) => a.partitionIndex - b.partitionIndex).map(of);
}
