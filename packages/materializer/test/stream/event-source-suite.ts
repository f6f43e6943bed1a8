import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { StreamConfig } from "@larder/schema";
import {
  type Certificates,
  type KafkaServer,
  makeCertificates,
  startKafka,
  startProcess,
  until,
} from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEventSource, openRecordSink, openStreamAdmin } from "../../src/stream/open-stream.ts";
import { Receiver, startConsuming, textOf, WAIT_MS } from "./receiver.ts";

const USERS = { larder: "the-password", stranger: "another-password" };

/** What every client behind the port must do, on a real broker. */
export function eventSourceSuite(client: StreamConfig["client"]): void {
  let kafka: KafkaServer;
  let certificates: Certificates;

  beforeAll(async () => {
    certificates = await makeCertificates();
    kafka = await startKafka({
      users: USERS,
      tls: certificates,
      acl: true,
      properties: { "message.max.bytes": "12000000" },
    });
  });
  afterAll(async () => {
    await kafka?.stop();
    await certificates?.remove();
  });

  const newTopic = async (partitions = 1, config: Record<string, string> = {}) => {
    const name = `t-${randomUUID()}`;
    await kafka.createTopic(name, { partitions, config });
    return name;
  };
  const config = (changes: Partial<StreamConfig> = {}): StreamConfig => ({
    brokers: kafka.brokers,
    groupId: `g-${randomUUID()}`,
    client,
    clientId: "larder-test",
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 10_000,
    requestTimeoutMs: 5_000,
    sasl: undefined,
    tls: undefined,
    ...changes,
  });
  const numbered = (count: number, from = 0, partition = 0) =>
    Array.from({ length: count }, (_, i) => ({ key: `k${from + i}`, value: `${from + i}`, partition }));
  const texts = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `${from + i}`);

  test("records of a partition arrive once, in order, whole: key, value, time, headers, tombstones", async () => {
    const topic = await newTopic(2);
    await kafka.produce(topic, [
      ...numbered(3_000),
      { key: "k", value: null, partition: 1, timestamp: 1_700_000_000_123, headers: { reason: "gone", empty: "" } },
    ]);
    const receiver = new Receiver();
    await using _ = await startConsuming(config(), [topic], receiver);
    await receiver.hasReceived(3_001);
    expect(receiver.values()).toEqual(texts(3_000));
    const of = receiver.received.filter(({ partition }) => partition === 0);
    expect(of.map(({ record }) => record.offset)).toEqual(of.map((_each, i) => BigInt(i)));
    const tombstone = receiver.received.find(({ partition }) => partition === 1)?.record;
    expect(tombstone?.value).toBeNull();
    expect(textOf(tombstone?.key ?? null)).toBe("k");
    expect(tombstone?.timestamp).toBe(1_700_000_000_123);
    expect([...(tombstone?.headers ?? [])].map(([name, bytes]) => [name, textOf(bytes)])).toEqual([
      ["reason", "gone"],
      ["empty", ""],
    ]);
    await until(
      WAIT_MS,
      "a high watermark is told",
      async () => receiver.highWatermark === 3_000n || receiver.highWatermark === 1n,
    );
  });

  test("every compression is read", async () => {
    const topic = await newTopic();
    const kinds = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
    for (const [i, kind] of kinds.entries()) await kafka.produce(topic, numbered(200, i * 200), kind);
    const receiver = new Receiver();
    await using _ = await startConsuming(config(), [topic], receiver);
    await receiver.hasReceived(1_000);
    expect(receiver.values()).toEqual(texts(1_000));
  });

  test("a record of ten megabytes arrives, and so do those behind it", async () => {
    const topic = await newTopic(1, { "max.message.bytes": "12000000" });
    const large = Buffer.alloc(10_000_000, "x");
    await kafka.produce(topic, [{ value: "before" }, { value: large }]);
    await kafka.produce(topic, [{ value: "after" }]);
    const receiver = new Receiver();
    await using _ = await startConsuming(config(), [topic], receiver);
    await receiver.hasReceived(3);
    expect(receiver.received.map(({ record }) => record.value?.length)).toEqual([6, 10_000_000, 5]);
  });

  test("a restart goes on behind what was committed, and reads again what was not", async () => {
    const topic = await newTopic();
    const group = config();
    await kafka.produce(topic, numbered(10));
    const first = new Receiver();
    const consuming = await startConsuming(group, [topic], first);
    await first.hasReceived(10);
    const { generation } = first;
    if (generation === undefined) throw new Error("no generation");
    await consuming.source.commit(generation, [{ topic, partition: 0, offset: 4n }]);
    await consuming.stop();
    expect(await kafka.committed(group.groupId, topic)).toEqual([4n]);
    const second = new Receiver();
    await using _ = await startConsuming(group, [topic], second);
    await second.hasReceived(6);
    expect(second.values()).toEqual(texts(6, 4));
  });

  test("members share partitions; one that leaves gives them back; what a revoked member commits in time counts", async () => {
    const topic = await newTopic(4);
    const group = config();
    await kafka.produce(
      topic,
      [0, 1, 2, 3].flatMap((partition) => numbered(10, 0, partition)),
    );
    const first = new Receiver();
    await using one = await startConsuming(group, [topic], first);
    await first.hasReceived(40);
    const { generation } = first;
    if (generation === undefined) throw new Error("no generation");
    let inTime = false;
    first.whenRevoked = async (partitions, deadline) => {
      // Nothing is committed until the member is asked to let go.
      await one.source.commit(
        generation,
        partitions.map((partition) => ({ ...partition, offset: 10n })),
      );
      inTime = performance.now() < deadline;
    };
    const second = new Receiver();
    const two = await startConsuming(group, [topic], second);
    await second.holds(2);
    await first.holds(2);
    expect(first.revoked.flat()).toHaveLength(4);
    expect(inTime).toBe(true);
    expect(await kafka.committed(group.groupId, topic)).toEqual([10n, 10n, 10n, 10n]);
    await kafka.produce(
      topic,
      [0, 1, 2, 3].map((partition) => ({ value: "late", partition })),
    );
    await until(WAIT_MS, "both have read", async () => first.received.length + second.received.length === 44);
    expect(second.received.map(({ record }) => textOf(record.value))).toEqual(["late", "late"]);
    // The old generation is over: its commit is refused and moves nothing.
    const stale = one.source.commit(generation, [{ topic, partition: 0, offset: 1n }]);
    await expect(stale).rejects.toMatchObject({ code: "STREAM_FENCED" });
    expect(await kafka.committed(group.groupId, topic)).toEqual([10n, 10n, 10n, 10n]);
    first.whenRevoked = async () => {};
    await two.stop();
    await first.holds(4);
  });

  test("a halted process that wakes up after its session can't move an offset", async () => {
    const topic = await newTopic();
    const group = config({ sessionTimeoutMs: 800, rebalanceTimeoutMs: 1_000 });
    await kafka.produce(topic, numbered(10));
    const zombie = fileURLToPath(new URL("../fixtures/zombie-consumer.ts", import.meta.url));
    const args = ["--conditions=@larder/source", zombie, JSON.stringify({ config: group, topic })];
    await using child = await startProcess(process.execPath, args);
    await child.waitForLine(/^read 10$/, WAIT_MS);
    child.signal("SIGSTOP");
    const heir = new Receiver();
    await using consuming = await startConsuming(group, [topic], heir);
    await heir.hasReceived(10);
    const { generation } = heir;
    if (generation === undefined) throw new Error("no generation");
    await consuming.source.commit(generation, [{ topic, partition: 0, offset: 8n }]);
    child.signal("SIGCONT");
    expect(await child.waitForLine(/^commit /, WAIT_MS)).toBe("commit STREAM_FENCED");
    await child.end();
    const [committed = -1n] = await kafka.committed(group.groupId, topic);
    expect(committed).toBe(8n);
  });

  test("a paused partition is not handed over until it is resumed; the other goes on", async () => {
    const topic = await newTopic(2);
    const receiver = new Receiver();
    receiver.whenAssigned = () => source?.pause([{ topic, partition: 0 }]);
    const group = config();
    const source = await openEventSource(group, [topic]);
    const abort = new AbortController();
    const done = source.consume(receiver, abort.signal);
    await receiver.holds(2);
    await kafka.produce(topic, [...numbered(5, 0, 0), ...numbered(5, 0, 1)]);
    await receiver.hasReceived(5);
    await kafka.produce(topic, numbered(5, 5, 1));
    await receiver.hasReceived(10);
    expect(receiver.values(0)).toEqual([]);
    source.resume([{ topic, partition: 0 }]);
    await receiver.hasReceived(15);
    expect(receiver.values(0)).toEqual(texts(5));
    abort.abort();
    await done;
    await source.close();
  });

  test("a seek moves where a partition is read from, back and forth", async () => {
    const topic = await newTopic();
    await kafka.produce(topic, numbered(10));
    const receiver = new Receiver();
    await using consuming = await startConsuming(config(), [topic], receiver);
    await receiver.hasReceived(10);
    consuming.source.seek({ topic, partition: 0, offset: 7n });
    await receiver.hasReceived(13);
    expect(receiver.values().slice(10)).toEqual(texts(3, 7));
  });

  test("TLS with PLAIN and with SCRAM, and rights: what is refused is said, and how to mend it", async () => {
    const topic = await newTopic();
    await kafka.produce(topic, numbered(3));
    await kafka.allow(
      { user: "larder", on: "topic", name: topic, to: "read" },
      { user: "larder", on: "group", name: "g-*", to: "read" },
      { user: "stranger", on: "topic", name: topic, to: "read" },
    );
    const secure = (
      username: keyof typeof USERS,
      mechanism: "plain" | "scram-sha-256" | "scram-sha-512",
      password?: string,
    ) =>
      config({
        brokers: kafka.secureBrokers,
        tls: { ca: certificates.ca, cert: undefined, key: undefined },
        sasl: { mechanism, username, password: password ?? USERS[username] },
      });
    for (const mechanism of ["plain", "scram-sha-256", "scram-sha-512"] as const) {
      const receiver = new Receiver();
      await using _ = await startConsuming(secure("larder", mechanism), [topic], receiver);
      await receiver.hasReceived(3);
    }
    const refusals: [StreamConfig, string, RegExp][] = [
      [secure("larder", "plain", "wrong"), topic, /SASL_AUTHENTICATION_FAILED.*stream\.sasl/],
      [secure("larder", "scram-sha-512", "wrong"), topic, /stream\.sasl/],
      [secure("stranger", "plain"), topic, /GROUP_AUTHORIZATION_FAILED.*stream\.group_id/],
      [secure("larder", "plain"), await newTopic(), /TOPIC_AUTHORIZATION_FAILED.*Allow the user/],
      [config(), "t-nowhere", /UNKNOWN_TOPIC_OR_PARTITION.*Create the topic/],
    ];
    for (const [refused, of, message] of refusals) {
      await using source = await openEventSource(refused, [of]);
      const consumed = source.consume(new Receiver(), new AbortController().signal);
      const error = await consumed.catch((caught: unknown) => caught);
      expect(error, String(message)).toMatchObject({ code: "STREAM_MISCONFIGURED" });
      expect(String(error)).toMatch(message);
      expect(String(error)).not.toContain("wrong");
    }
  });

  test("an error of the receiver ends the consumption with that error", async () => {
    const topic = await newTopic();
    await kafka.produce(topic, numbered(1));
    const receiver = new Receiver();
    receiver.whenBatch = () => Promise.reject(new RangeError("the receiver's own"));
    await using consuming = await startConsuming(config(), [topic], receiver);
    await expect(consuming.done).rejects.toThrow("the receiver's own");
  });

  test("records are appended with key, value, headers, time and partition; what Kafka refuses is said", async () => {
    const topic = await newTopic(2);
    const headers = new Map([["reason", Buffer.from("RECORD_INVALID")]]);
    await using sink = await openRecordSink(config());
    await sink.send(topic, [
      { key: Buffer.from("k"), value: Buffer.from("v"), headers, timestamp: 1_700_000_000_000, partition: 1 },
      { key: null, value: null, headers: new Map(), partition: 1 },
    ]);
    await sink.send(topic, []);
    const receiver = new Receiver();
    await using _ = await startConsuming(config(), [topic], receiver);
    await receiver.hasReceived(2);
    const [first, second] = receiver.received.map(({ record }) => record);
    expect([textOf(first?.key ?? null), textOf(first?.value ?? null), first?.timestamp]).toEqual([
      "k",
      "v",
      1_700_000_000_000,
    ]);
    expect(textOf(first?.headers.get("reason") ?? null)).toBe("RECORD_INVALID");
    expect([second?.key, second?.value, second?.headers.size]).toEqual([null, null, 0]);
    await expect(sink.send("t-nowhere", [{ key: null, value: null, headers: new Map() }])).rejects.toMatchObject({
      code: "STREAM_MISCONFIGURED",
    });
    const tooLarge = { key: null, value: Buffer.alloc(13_000_000), headers: new Map() };
    await expect(sink.send(topic, [tooLarge])).rejects.toMatchObject({ code: "STREAM_MISCONFIGURED" });
    await sink.close();
    await expect(sink.send(topic, [tooLarge])).rejects.toMatchObject({ code: "STREAM_CLOSED" });
  });

  test("the admin knows partitions, both ends, offsets by time, what a group has committed and who is in it; it moves a group of nobody", async () => {
    const topic = await newTopic(2);
    const times = [1_000, 2_000, 3_000].map((ms) => 1_700_000_000_000 + ms);
    await kafka.produce(
      topic,
      times.map((timestamp) => ({ value: "v", partition: 1, timestamp })),
    );
    const group = config();
    await using admin = await openStreamAdmin(group);
    const at = (zero: bigint, one: bigint) => [
      { topic, partition: 0, offset: zero },
      { topic, partition: 1, offset: one },
    ];
    expect(await admin.partitions(topic)).toEqual([0, 1]);
    expect(await admin.partitions("t-nowhere")).toBeUndefined();
    expect(await admin.beginOffsets(topic)).toEqual(at(0n, 0n));
    expect(await admin.endOffsets(topic)).toEqual(at(0n, 3n));
    expect(await admin.offsetsAt(topic, 1_700_000_001_500)).toEqual(at(0n, 1n));
    expect(await admin.offsetsAt(topic, 1_700_000_009_000)).toEqual(at(0n, 3n));
    expect(await admin.committedOffsets(group.groupId, topic)).toEqual([]);
    const receiver = new Receiver();
    await using consuming = await startConsuming(group, [topic], receiver);
    await receiver.hasReceived(3);
    const { generation } = receiver;
    if (generation === undefined) throw new Error("no generation");
    await consuming.source.commit(generation, [{ topic, partition: 1, offset: 2n }]);
    expect(await admin.committedOffsets(group.groupId, topic)).toEqual([{ topic, partition: 1, offset: 2n }]);
    const active = { code: "STREAM_GROUP_ACTIVE", facts: { group: group.groupId, members: [generation.memberId] } };
    expect((await admin.members(group.groupId)).map(({ id }) => id)).toEqual([generation.memberId]);
    await expect(admin.setOffsets(group.groupId, at(0n, 1n))).rejects.toMatchObject(active);
    await expect(admin.deleteGroup(group.groupId)).rejects.toMatchObject(active);
    await consuming.stop();
    await until(30_000, "the group is empty", async () => (await admin.members(group.groupId)).length === 0);
    await admin.setOffsets(group.groupId, at(0n, 1n));
    expect(await admin.committedOffsets(group.groupId, topic)).toEqual(at(0n, 1n));
    await admin.deleteGroup(group.groupId);
    expect(await admin.committedOffsets(group.groupId, topic)).toEqual([]);
    await admin.deleteGroup(group.groupId);
    expect(await admin.members(group.groupId)).toEqual([]);
    await admin.close();
    await expect(admin.partitions(topic)).rejects.toMatchObject({ code: "STREAM_CLOSED" });
  });

  test("a broker that is killed and comes back is read on, from where it was; halted, it keeps nobody from closing", async () => {
    const topic = await newTopic();
    await kafka.produce(topic, numbered(5));
    const group = config({ requestTimeoutMs: 1_000, sessionTimeoutMs: 1_500 });
    const receiver = new Receiver();
    await using consuming = await startConsuming(group, [topic], receiver);
    await receiver.hasReceived(5);
    const { generation } = receiver;
    if (generation === undefined) throw new Error("no generation");
    await consuming.source.commit(generation, [{ topic, partition: 0, offset: 5n }]);
    await kafka.kill();
    await expect(consuming.source.commit(generation, [{ topic, partition: 0, offset: 5n }])).rejects.toMatchObject({
      code: expect.stringMatching(/^STREAM_(UNAVAILABLE|FENCED)$/),
    });
    await kafka.restart();
    await kafka.produce(topic, numbered(5, 5));
    await receiver.hasReceived(10);
    expect(new Set(receiver.values())).toEqual(new Set(texts(10)));
    await kafka.kill("SIGSTOP");
    try {
      await consuming.stop();
    } finally {
      await kafka.kill("SIGCONT");
    }
    await expect(consuming.source.consume(receiver, new AbortController().signal)).rejects.toMatchObject({
      code: "STREAM_CLOSED",
    });
  });
}
