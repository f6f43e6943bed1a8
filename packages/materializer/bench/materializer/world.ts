import { randomUUID } from "node:crypto";
import { availableParallelism, cpus } from "node:os";
import { type Definitions, parseDefinitions } from "@larder/schema";
import { type KafkaRecord, type KafkaServer, type RedisServer, startKafka, startRedis } from "@larder/testkit";
import { Redis } from "ioredis";

export const CLIENTS = ["platformatic", "kafkajs"] as const;
export type Client = (typeof CLIENTS)[number];

/** Entities of the rows: many to a batch, so that merging spares the sync no writes. */
export const CUSTOMERS = 50_000;
const PARTITIONS = 4;

/** A broker and a store, with a topic full of rows. */
export interface World extends AsyncDisposable {
  readonly kafka: KafkaServer;
  readonly redis: RedisServer;
  /** A plain client. */
  readonly plain: Redis;
  /** Processor, versions and memory of what takes part. */
  readonly machine: string;
  /** Definitions of a group of its own that reads `topic`. */
  definitions(client: Client, topic: string, group?: string): Definitions;
  /** CPU time the store has spent so far, in milliseconds. */
  storeCpuMs(): Promise<number>;
}

export const ROWS = "rows";
export const LIVE = "live";

/** Starts it, and appends so many records to the topic {@link ROWS}. */
export async function openWorld(records: number): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const kafka = stack.use(await startKafka());
  const redis = stack.use(await startRedis());
  const plain = stack.adopt(new Redis({ host: redis.host, port: redis.port }), (client) => client.disconnect());
  for (const topic of [ROWS, LIVE]) {
    await kafka.createTopic(topic, { partitions: PARTITIONS });
    await kafka.createTopic(`${topic}.dead-letter`, { partitions: 1 });
  }
  for (let from = 0; from < records; from += CHUNK) {
    const count = Math.min(CHUNK, records - from);
    await kafka.produce(
      ROWS,
      Array.from({ length: count }, (_, i) => recordOf(from + i)),
    );
  }
  const held = stack.move();
  return {
    kafka,
    redis,
    plain,
    machine: `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, which broker, store and sync share; Node ${process.versions.node}`,
    definitions: (client, topic, group = `bench-${randomUUID()}`) =>
      parseDefinitions(
        yamlOf({ ...{ brokers: kafka.brokers, connectionString: redis.connectionString }, client, topic, group }),
        { file: "/bench/feature_store.yaml", env: {} },
      ),
    storeCpuMs: async () => {
      const text = await plain.info("cpu");
      const seconds = (key: string) => Number(new RegExp(`${key}:([\\d.]+)`).exec(text)?.[1]);
      return (seconds("used_cpu_user") + seconds("used_cpu_sys")) * 1_000;
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

const CHUNK = 20_000;
/** Event time of the first row, in milliseconds: old enough never to be in the future, new enough to be kept. */
const START_MS = Date.now() - 86_400_000;

/** The times of a row, in milliseconds of the epoch: rows of a customer are each newer than the last. */
export function timeOf(index: number): number {
  return START_MS + index;
}

/** A record of about 150 bytes: a join key, two times and five features. */
export function recordOf(index: number): KafkaRecord {
  const customer = index % CUSTOMERS;
  const value = {
    customer_id: customer,
    tenure: index % 72,
    charges: 20.5 + index / 8,
    orders: index % 50,
    contract: "One year",
    active: index % 2 === 0,
    event_timestamp: new Date(timeOf(index)).toISOString(),
  };
  return { key: String(customer), value: JSON.stringify(value) };
}

/** The definitions of the bench. */
export function yamlOf(parts: {
  readonly brokers: readonly string[];
  readonly connectionString: string;
  readonly client: Client;
  readonly topic: string;
  readonly group: string;
}): string {
  const { brokers, connectionString, client, topic, group } = parts;
  return `project: bench
online_store: { type: redis, connection_string: "${connectionString}", deadline: 5s, write_deadline: 5s }
stream: { type: kafka, client: ${client}, brokers: ${JSON.stringify(brokers)}, group_id: ${group} }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - name: churn
    entity: customer
    features:
      - { name: tenure, type: float32 }
      - { name: charges, type: float64 }
      - { name: orders, type: int32 }
      - { name: contract, type: string }
      - { name: active, type: bool }
    stream: { topic: ${topic} }
`;
}
