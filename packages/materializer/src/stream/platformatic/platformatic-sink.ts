import type { StreamConfig } from "@larder/schema";
import type { Producer } from "@platformatic/kafka";
import type { OutgoingRecord, RecordSink } from "../record-sink.ts";
import { closedError } from "../stream-errors.ts";
import { platformaticError, preparePlatformatic } from "./platformatic-client.ts";

/** Appends with @platformatic/kafka. @throws MISSING_DEPENDENCY, CONFIG_UNREADABLE */
export async function openPlatformaticSink(config: StreamConfig): Promise<RecordSink> {
  const { package: loaded, options } = await preparePlatformatic(config);
  return new PlatformaticSink(new loaded.Producer(options));
}

class PlatformaticSink implements RecordSink {
  readonly #producer: Producer;
  #closed: Promise<void> | undefined;

  constructor(producer: Producer) {
    this.#producer = producer;
  }

  async send(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    if (this.#closed !== undefined) throw closedError("The record sink");
    if (records.length === 0) return;
    try {
      await this.#producer.send({ acks: -1, messages: records.map((record) => toMessage(topic, record)) });
    } catch (error) {
      throw platformaticError(error, `records for topic ${topic}`);
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#producer.close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function toMessage(topic: string, { key, value, headers, timestamp, partition }: OutgoingRecord) {
  return {
    topic,
    ...(key === null ? {} : { key: Buffer.from(key) }),
    ...(value === null ? {} : { value: Buffer.from(value) }),
    headers: new Map([...headers].map(([name, bytes]) => [Buffer.from(name), Buffer.from(bytes)])),
    ...(timestamp === undefined ? {} : { timestamp: BigInt(timestamp) }),
    ...(partition === undefined ? {} : { partition }),
  };
}
