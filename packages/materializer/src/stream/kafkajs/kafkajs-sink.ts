import type { StreamConfig } from "@larder/schema";
import type { Message, Producer } from "kafkajs";
import type { OutgoingRecord, RecordSink } from "../record-sink.ts";
import { closedError } from "../stream-errors.ts";
import { CLOSE_MS, endWithin, type KafkajsClient, kafkajsError, prepareKafkajs } from "./kafkajs-client.ts";

/** Appends with kafkajs. @throws MISSING_DEPENDENCY, CONFIG_UNREADABLE */
export async function openKafkajsSink(config: StreamConfig): Promise<RecordSink> {
  return new KafkajsSink((await prepareKafkajs(config))());
}

class KafkajsSink implements RecordSink {
  readonly #client: KafkajsClient;
  readonly #producer: Producer;
  #connected: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(client: KafkajsClient) {
    this.#client = client;
    this.#producer = client.kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: client.package.Partitioners.DefaultPartitioner,
    });
  }

  async send(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    if (this.#closed !== undefined) throw closedError("The record sink");
    if (records.length === 0) return;
    try {
      this.#connected ??= this.#producer.connect();
      await this.#connected;
      await this.#producer.send({ topic, acks: -1, messages: records.map(toMessage) });
    } catch (error) {
      // A connection that could not be made is made anew next time.
      this.#connected = undefined;
      throw kafkajsError(error, `records for topic ${topic}`);
    }
  }

  close(): Promise<void> {
    this.#closed ??= endWithin(CLOSE_MS, this.#client, () => this.#producer.disconnect());
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function toMessage({ key, value, headers, timestamp, partition }: OutgoingRecord): Message {
  return {
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: Object.fromEntries([...headers].map(([name, bytes]) => [name, Buffer.from(bytes)])),
    ...(timestamp === undefined ? {} : { timestamp: String(timestamp) }),
    ...(partition === undefined ? {} : { partition }),
  };
}
