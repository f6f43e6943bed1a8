import type { StreamConfig } from "@larder/schema";
import type { Connection, ConnectionPool, Consumer, RecordsBatch } from "@platformatic/kafka";
import type { BatchConsumer, Generation, PartitionOffset, StreamRecord, TopicPartition } from "../event-source.ts";
import { DRAIN_SHARE, heartbeatMs } from "../heartbeat.ts";
import { partitionKey } from "../partition-key.ts";
import type { ConsumerSession } from "../session-source.ts";
import { fencedError } from "../stream-errors.ts";
import { type PreparedPlatformatic, platformaticError } from "./platformatic-client.ts";

/**
 * One life of a member: from its connection to its end, by a fault or because it was told. The package's own stream hands over record by record and its
 * commit takes any generation for the present one, so only its membership and its fetches are used.
 */
export class PlatformaticSession implements ConsumerSession {
  receiverFailed = false;
  readonly #prepared: PreparedPlatformatic;
  readonly #config: StreamConfig;
  readonly #topics: readonly string[];
  readonly #receiver: BatchConsumer;
  readonly #joined: () => void;
  readonly #consumer: Consumer;
  #generation: Generation | undefined;
  #positions = new Map<string, Position>();
  #rebalancing = false;
  #revocation: Promise<void> | undefined;
  #fail: (error: unknown) => void = () => {};
  #ended = false;

  constructor(
    prepared: PreparedPlatformatic,
    config: StreamConfig,
    topics: readonly string[],
    receiver: BatchConsumer,
    joined: () => void,
  ) {
    this.#prepared = prepared;
    this.#config = config;
    this.#topics = topics;
    this.#receiver = receiver;
    this.#joined = joined;
    this.#consumer = new prepared.package.Consumer({
      ...prepared.options,
      groupId: config.groupId,
      sessionTimeout: config.sessionTimeoutMs,
      // The package wants it no shorter than the session.
      rebalanceTimeout: Math.max(config.rebalanceTimeoutMs, config.sessionTimeoutMs),
      heartbeatInterval: heartbeatMs(config),
      maxWaitTime: MAX_WAIT_MS,
      // Asked for whenever the member is about to join: it lets go of what it has before.
      protocolsMetadata: async () => {
        await this.#letGo();
        return Buffer.alloc(0);
      },
    });
  }

  /** Hands over until `stop` aborts, and then leaves in good order. Fails with what ended it otherwise. */
  async run(stop: AbortSignal): Promise<void> {
    const consumer = this.#consumer;
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    const stopped = new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      else stop.addEventListener("abort", () => resolve(), { once: true });
    });
    consumer.on("error", (error) => this.#fail(error));
    consumer.on("consumer:group:rebalance", () => {
      this.#rebalancing = true;
      void this.#letGo();
    });
    consumer.on("consumer:group:join", ({ memberId, generationId, assignments }) => {
      const taking = this.#take({ id: generationId ?? -1, memberId }, assignments ?? []);
      taking.catch((error) => this.#fail(error));
    });
    const start = async () => {
      const { topics } = await consumer.metadata({ topics: [...this.#topics], forceUpdate: true });
      for (const topic of this.#topics) {
        if (!topics.has(topic)) throw new Error(`Unknown topic ${topic}`);
      }
      consumer.topics.trackAll(...this.#topics);
      await consumer.joinGroup({});
      await stopped;
    };
    try {
      await Promise.race([start(), failed, stopped]);
      this.#rebalancing = true;
      await this.#letGo();
    } finally {
      this.#lose();
      this.#ended = true;
      await this.#close();
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) {
      const position = this.#positions.get(partitionKey(each));
      if (position !== undefined) position.paused = true;
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) {
      const position = this.#positions.get(partitionKey(each));
      if (position === undefined) continue;
      position.paused = false;
      this.#wake();
    }
  }

  seek(target: PartitionOffset): void {
    const position = this.#positions.get(partitionKey(target));
    if (position === undefined) return;
    position.offset = target.offset;
    position.moves++;
    this.#wake();
  }

  async commit(generation: Generation, offsets: readonly PartitionOffset[]): Promise<void> {
    const current = this.#generation;
    if (current === undefined || current.id !== generation.id || current.memberId !== generation.memberId) {
      throw fencedError();
    }
    const topics = new Map<string, { name: string; partitions: CommitPartition[] }>();
    for (const { topic, partition, offset } of offsets) {
      const of = topics.get(topic) ?? { name: topic, partitions: [] };
      of.partitions.push({ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: -1 });
      topics.set(topic, of);
    }
    try {
      const connection = await this.#coordinator();
      const { api } = this.#prepared.package.offsetCommitV8;
      await api.async(connection, this.#config.groupId, generation.id, generation.memberId, null, [...topics.values()]);
    } catch (error) {
      throw platformaticError(error, `a commit of group ${this.#config.groupId}`);
    }
  }

  /** Takes what the group has given, from where it was committed, and reads until the next change. */
  async #take(generation: Generation, assignments: readonly { topic: string; partitions: number[] }[]): Promise<void> {
    this.#joined();
    this.#rebalancing = false;
    this.#revocation = undefined;
    this.#generation = generation;
    const partitions = assignments.flatMap(({ topic, partitions: of }) =>
      of.map((partition) => ({ topic, partition })),
    );
    const starts = await this.#starts(assignments);
    // A rebalance that began meanwhile asks nobody to give these back: the next generation says what is ours.
    if (this.#generation !== generation || this.#ended || this.#rebalancing) return;
    this.#positions = new Map(
      partitions.map((each) => [
        partitionKey(each),
        { ...each, offset: starts.get(partitionKey(each)) ?? 0n, paused: false, moves: 0 },
      ]),
    );
    try {
      this.#receiver.onAssigned(generation, partitions);
    } catch (error) {
      this.#failBy(error);
    }
    while (this.#generation === generation && !this.#ended && this.#positions.size > 0) await this.#round(generation);
  }

  async #starts(assignments: readonly { topic: string; partitions: number[] }[]): Promise<Map<string, bigint>> {
    const starts = new Map<string, bigint>();
    if (assignments.length === 0) return starts;
    const committed = await this.#consumer.listCommittedOffsets({ topics: [...assignments] });
    for (const { topic, partitions } of assignments) {
      const earliest = await this.#consumer.listOffsets({ topics: [topic], timestamp: EARLIEST });
      for (const partition of partitions) {
        const kept = committed.get(topic)?.[partition] ?? -1n;
        const first = earliest.get(topic)?.[partition] ?? 0n;
        // What retention has removed can't be read.
        starts.set(partitionKey({ topic, partition }), kept > first ? kept : first);
      }
    }
    return starts;
  }

  /** One fetch from every leader, and the hand-over of what came. */
  async #round(generation: Generation): Promise<void> {
    const wanted = [...this.#positions.values()].filter(({ paused }) => !paused);
    if (wanted.length === 0) {
      await this.#idle();
      return;
    }
    const { topics } = await this.#consumer.metadata({ topics: [...this.#topics] });
    const byNode = new Map<number, Map<string, { topicId: string; partitions: FetchPartition[] }>>();
    for (const { topic, partition, offset } of wanted) {
      const known = topics.get(topic);
      const leader = known?.partitions[partition]?.leader;
      if (known === undefined || leader === undefined) continue;
      const of = byNode.get(leader) ?? new Map<string, { topicId: string; partitions: FetchPartition[] }>();
      const request = of.get(topic) ?? { topicId: known.id, partitions: [] };
      request.partitions.push({
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: offset,
        lastFetchedEpoch: -1,
        partitionMaxBytes: 1024 * 1024,
      });
      byNode.set(leader, of.set(topic, request));
    }
    const names = new Map(this.#topics.map((topic) => [topics.get(topic)?.id ?? "", topic]));
    const before = new Map(wanted.map((position) => [position, position.moves]));
    await Promise.all(
      [...byNode].map(async ([node, of]) => {
        const request = { node, topics: [...of.values()], maxBytes: 10 * 1024 * 1024, minBytes: 1 };
        const response = await this.#consumer.fetch({ ...request, maxWaitTime: MAX_WAIT_MS });
        await this.#handOver(generation, names, response, before);
      }),
    );
  }

  async #handOver(
    generation: Generation,
    names: ReadonlyMap<string, string>,
    response: Awaited<ReturnType<Consumer["fetch"]>>,
    before: ReadonlyMap<Position, number>,
  ): Promise<void> {
    const taken = response.responses.flatMap(({ topicId, partitions }) =>
      partitions.map(async ({ partitionIndex: partition, records: batches, highWatermark }) => {
        const topic = names.get(topicId) ?? "";
        const position = this.#positions.get(partitionKey({ topic, partition }));
        // A fetch that a seek or a pause has overtaken is of no use; it is made again from where the partition then stands.
        if (position === undefined || position.paused || position.moves !== before.get(position)) return;
        if (this.#generation !== generation || this.#rebalancing || !batches) return;
        const { records, next } = readBatches(batches, position.offset);
        position.offset = next;
        if (records.length === 0) return;
        await this.#untilGivenUp(this.#receiver.onBatch({ topic, partition, generation, records, highWatermark }));
      }),
    );
    try {
      await Promise.all(taken);
    } catch (error) {
      this.#failBy(error);
    }
  }

  /** Lets the receiver finish what it has, once per generation, if the group still knows the member; else says that it is lost. */
  #letGo(): Promise<void> {
    if (this.#positions.size === 0) return Promise.resolve();
    if (!this.#rebalancing) {
      this.#lose();
      return Promise.resolve();
    }
    this.#revocation ??= (async () => {
      const ms = this.#config.rebalanceTimeoutMs * DRAIN_SHARE;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      });
      try {
        await Promise.race([this.#receiver.onRevoked(this.#partitions(), performance.now() + ms), late]);
      } catch (error) {
        this.#failBy(error);
      } finally {
        clearTimeout(timer);
        this.#positions.clear();
        this.#wake();
      }
    })();
    return this.#revocation;
  }

  #lose(): void {
    const lost = this.#partitions();
    this.#positions.clear();
    this.#wake();
    if (lost.length > 0) this.#receiver.onLost(lost);
  }

  #partitions(): TopicPartition[] {
    return [...this.#positions.values()].map(({ topic, partition }) => ({ topic, partition }));
  }

  #failBy(error: unknown): void {
    this.receiverFailed = true;
    this.#fail(error);
  }

  #wake: () => void = () => {};

  /** Until something is resumed, sought or given up, at most as long as a fetch would wait. */
  async #idle(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, MAX_WAIT_MS);
    });
    clearTimeout(timer);
  }

  /** A receiver that is stuck must not keep the reading from ending when its partitions are given up. */
  async #untilGivenUp(taken: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const givenUp = new Promise<void>((resolve) => {
      timer = setInterval(() => {
        if (this.#positions.size === 0) resolve();
      }, 50);
    });
    try {
      await Promise.race([taken, givenUp]);
    } finally {
      clearInterval(timer);
    }
  }

  async #coordinator(): Promise<Connection> {
    const id = await this.#consumer.findGroupCoordinator();
    const { brokers } = await this.#consumer.metadata({ topics: [...this.#topics] });
    const broker = brokers.get(id);
    if (broker === undefined) throw new Error(`The group's coordinator ${id} is not among the brokers.`);
    this.#pool ??= new this.#prepared.package.ConnectionPool(this.#config.clientId, this.#prepared.options);
    return this.#pool.get(broker);
  }

  #pool: ConnectionPool | undefined;

  async #close(): Promise<void> {
    const closing = [this.#consumer.close(true), this.#pool?.close()];
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    // A broker that does not answer must not keep a process from ending.
    await Promise.race([Promise.allSettled(closing), late]);
    clearTimeout(timer);
  }
}

/** Where a partition is read, and how often that was changed from outside. */
interface Position extends TopicPartition {
  offset: bigint;
  paused: boolean;
  moves: number;
}

interface FetchPartition {
  partition: number;
  currentLeaderEpoch: number;
  fetchOffset: bigint;
  lastFetchedEpoch: number;
  partitionMaxBytes: number;
}

const MAX_WAIT_MS = 200;
const CLOSE_MS = 5_000;
const EARLIEST = -2n;
const IS_CONTROL = 0b10_0000;
const IS_APPEND_TIME = 0b1000;

/** Records from `from` on: a batch may begin before it, and control records are none of ours, though they are behind us, too. */
function readBatches(batches: readonly RecordsBatch[], from: bigint): { records: StreamRecord[]; next: bigint } {
  const records: StreamRecord[] = [];
  let next = from;
  for (const batch of batches) {
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
    if (end > next) next = end;
    if ((batch.attributes & IS_CONTROL) !== 0) continue;
    const appendTime = (batch.attributes & IS_APPEND_TIME) !== 0;
    const first = Number(batch.firstTimestamp);
    for (const { offsetDelta, timestampDelta, key, value, headers } of batch.records) {
      const offset = batch.firstOffset + BigInt(offsetDelta);
      if (offset < from) continue;
      const timestamp = appendTime ? Number(batch.maxTimestamp) : first + Number(timestampDelta);
      records.push({ offset, timestamp, key, value, headers: headers.length === 0 ? NO_HEADERS : toMap(headers) });
    }
  }
  return { records, next };
}

const NO_HEADERS: ReadonlyMap<string, Uint8Array> = new Map();

/** Of a repeated header the last one counts. */
function toMap(headers: readonly [Buffer | null, Buffer | null][]): Map<string, Uint8Array> {
  const map = new Map<string, Uint8Array>();
  for (const [name, value] of headers) {
    if (name !== null && value !== null) map.set(name.toString(), value);
  }
  return map;
}

interface CommitPartition {
  partitionIndex: number;
  committedOffset: bigint;
  committedLeaderEpoch: number;
}
