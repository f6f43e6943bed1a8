import type { StreamConfig } from "@larder/schema";
import type { Consumer, EachBatchPayload } from "kafkajs";
import type { BatchConsumer, Generation, PartitionOffset, StreamRecord, TopicPartition } from "../event-source.ts";
import { DRAIN_SHARE, heartbeatMs } from "../heartbeat.ts";
import { partitionKey } from "../partition-key.ts";
import type { ConsumerSession } from "../session-source.ts";
import { fencedError } from "../stream-errors.ts";
import { CLOSE_MS, endWithin, type KafkajsClient, kafkajsError } from "./kafkajs-client.ts";
import { type Membership, watchMembership } from "./membership.ts";

/** One life of a kafkajs consumer: from its connection to its end, by a fault or because it was told. Afterwards there is another. */
export class KafkajsSession implements ConsumerSession {
  readonly #client: KafkajsClient;
  readonly #config: StreamConfig;
  readonly #topics: readonly string[];
  readonly #receiver: BatchConsumer;
  readonly #joined: () => void;
  readonly #consumer: Consumer;
  readonly #seat: Membership;
  readonly #paused = new Set<string>();
  /** What is ours, and how it is being given up. */
  #held: readonly TopicPartition[] = [];
  #revocation: Promise<void> | undefined;
  #pending = 0;
  #fail: (error: unknown) => void = () => {};
  /** What the receiver threw; the consumption ends by it. */
  receiverFailed = false;

  constructor(
    client: KafkajsClient,
    config: StreamConfig,
    topics: readonly string[],
    receiver: BatchConsumer,
    joined: () => void,
  ) {
    this.#client = client;
    this.#config = config;
    this.#topics = topics;
    this.#receiver = receiver;
    this.#joined = joined;
    const { roundRobin } = client.package.PartitionAssigners;
    this.#seat = watchMembership(roundRobin, (memberId) => (memberId === "" ? this.#lose() : this.#revoke()));
    this.#consumer = client.kafka.consumer({
      groupId: config.groupId,
      sessionTimeout: config.sessionTimeoutMs,
      rebalanceTimeout: config.rebalanceTimeoutMs,
      heartbeatInterval: heartbeatMs(config),
      // A rebalance is only heard of between two fetches: with the default of 5 s it took 15 s.
      maxWaitTimeInMs: 200,
      maxBytesPerPartition: 1024 * 1024,
      maxBytes: 10 * 1024 * 1024,
      allowAutoTopicCreation: false,
      partitionAssigners: [this.#seat.assigner],
    });
  }

  /** Hands over until `stop` aborts, and then leaves in good order. Fails with what ended it otherwise. */
  async run(stop: AbortSignal): Promise<void> {
    const { CRASH, GROUP_JOIN } = this.#consumer.events;
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    const stopped = new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      else stop.addEventListener("abort", () => resolve(), { once: true });
    });
    const unlisten = [
      this.#consumer.on(CRASH, ({ payload }) => this.#fail(payload.error)),
      this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#take(payload.memberAssignment)),
    ];
    const heartbeats = setInterval(() => void this.#beat(), heartbeatMs(this.#config));
    const start = async () => {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topics: [...this.#topics], fromBeginning: true });
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: MOST_PARTITIONS,
        eachBatch: (payload) => this.#handOver(payload),
      });
      await stopped;
    };
    try {
      await Promise.race([start(), failed, stopped]);
      await this.#revoke();
    } finally {
      await this.#lose();
      clearInterval(heartbeats);
      await endWithin(CLOSE_MS, this.#client, () => this.#consumer.disconnect());
      for (const end of unlisten) end();
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of this.#ours(partitions)) {
      this.#paused.add(partitionKey(partition));
      this.#consumer.pause([{ topic: partition.topic, partitions: [partition.partition] }]);
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of this.#ours(partitions)) {
      this.#paused.delete(partitionKey(partition));
      this.#consumer.resume([{ topic: partition.topic, partitions: [partition.partition] }]);
    }
  }

  seek({ topic, partition, offset }: PartitionOffset): void {
    if (this.#ours([{ topic, partition }]).length === 0) return;
    this.#consumer.seek({ topic, partition, offset: String(offset) });
  }

  async commit(generation: Generation, offsets: readonly PartitionOffset[]): Promise<void> {
    const { coordinator, generation: current } = this.#seat;
    if (coordinator === undefined || !isSame(generation, current)) throw fencedError();
    const topics = new Map<string, { partition: number; offset: string }[]>();
    for (const { topic, partition, offset } of offsets) {
      const of = topics.get(topic) ?? [];
      of.push({ partition, offset: String(offset) });
      topics.set(topic, of);
    }
    try {
      await coordinator.offsetCommit({
        groupId: this.#config.groupId,
        groupGenerationId: generation.id,
        memberId: generation.memberId,
        topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
      });
    } catch (error) {
      throw kafkajsError(error, `a commit of group ${this.#config.groupId}`);
    }
  }

  #ours(partitions: readonly TopicPartition[]): TopicPartition[] {
    const held = new Set(this.#held.map(partitionKey));
    return partitions.filter((partition) => held.has(partitionKey(partition)));
  }

  #take(assignment: Readonly<Record<string, number[]>>): void {
    const { generation } = this.#seat;
    if (generation === undefined) return;
    this.#joined();
    this.#revocation = undefined;
    this.#paused.clear();
    this.#held = Object.entries(assignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    );
    this.#consumer.resume(this.#held.map(({ topic, partition }) => ({ topic, partitions: [partition] })));
    try {
      this.#receiver.onAssigned(generation, this.#held);
    } catch (error) {
      this.#failBy(error);
    }
  }

  /** Lets the receiver finish what it has, once per generation. Until then the member does not join the next. */
  #revoke(): Promise<void> {
    if (this.#held.length === 0) return Promise.resolve();
    this.#revocation ??= (async () => {
      const ms = this.#config.rebalanceTimeoutMs * DRAIN_SHARE;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      });
      try {
        await Promise.race([this.#receiver.onRevoked(this.#held, performance.now() + ms), late]);
      } catch (error) {
        this.#failBy(error);
      } finally {
        clearTimeout(timer);
        this.#held = [];
      }
    })();
    return this.#revocation;
  }

  async #lose(): Promise<void> {
    const lost = this.#held;
    this.#held = [];
    if (lost.length > 0) this.#receiver.onLost(lost);
  }

  /** kafkajs sends no heartbeats while a batch is pending or while it waits before a join. */
  async #beat(): Promise<void> {
    const { coordinator, generation } = this.#seat;
    if (coordinator === undefined || generation === undefined || this.#held.length === 0) return;
    if (this.#pending === 0 && this.#revocation === undefined) return;
    const { id: groupGenerationId, memberId } = generation;
    try {
      await coordinator.heartbeat({ groupId: this.#config.groupId, memberId, groupGenerationId });
    } catch (error) {
      if (!isSame(generation, this.#seat.generation)) return;
      const { facts } = kafkajsError(error, "a heartbeat");
      if (facts["reason"] === "REBALANCE_IN_PROGRESS") void this.#revoke();
      else if (facts["reason"] === "UNKNOWN_MEMBER_ID" || facts["reason"] === "ILLEGAL_GENERATION") void this.#lose();
      // Whatever else is wrong, the consumer meets it, too, and its session ends by it.
    }
  }

  async #handOver({ batch, resolveOffset, isStale, isRunning }: EachBatchPayload): Promise<void> {
    const { topic, partition } = batch;
    const { generation } = this.#seat;
    // What is left unresolved is fetched again, from wherever the partition then stands.
    if (generation === undefined || !isRunning() || isStale() || this.#paused.has(partitionKey(batch))) return;
    if (this.#ours([{ topic, partition }]).length === 0) return;
    const records = batch.messages.map(toRecord);
    this.#pending++;
    try {
      const taken = this.#receiver.onBatch({
        topic,
        partition,
        generation,
        records,
        highWatermark: BigInt(batch.highWatermark),
      });
      await this.#untilGivenUp(taken);
      resolveOffset(batch.lastOffset());
    } catch (error) {
      this.#failBy(error);
    } finally {
      this.#pending--;
    }
  }

  #failBy(error: unknown): void {
    this.receiverFailed = true;
    this.#fail(error);
  }

  /** Waits for the receiver, or until its partitions are given up: a receiver that is stuck must not keep the member from the next generation. */
  async #untilGivenUp(taken: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const givenUp = new Promise<void>((resolve) => {
      timer = setInterval(() => {
        if (this.#held.length === 0) resolve();
      }, 50);
    });
    try {
      await Promise.race([taken, givenUp]);
    } finally {
      clearInterval(timer);
    }
  }
}

/** More than a process is likely to be given; each is a slot that waits. */
const MOST_PARTITIONS = 512;

function isSame(a: Generation, b: Generation | undefined): boolean {
  return b !== undefined && a.id === b.id && a.memberId === b.memberId;
}

function toRecord(message: EachBatchPayload["batch"]["messages"][number]): StreamRecord {
  return {
    offset: BigInt(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: toHeaders(message.headers ?? {}),
  };
}

const NO_HEADERS: ReadonlyMap<string, Uint8Array> = new Map();

function toHeaders(named: NonNullable<EachBatchPayload["batch"]["messages"][number]["headers"]>) {
  const names = Object.keys(named);
  if (names.length === 0) return NO_HEADERS;
  const headers = new Map<string, Uint8Array>();
  for (const name of names) {
    // Of a repeated header the last one counts, as a map would have it.
    const value = named[name];
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined && last !== null) headers.set(name, typeof last === "string" ? Buffer.from(last) : last);
  }
  return headers;
}
