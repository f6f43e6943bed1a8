import { type KafkaServer, seededRandom, startKafka, startRedis, startTcpProxy, until } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PartitionStatus } from "../../../src/stream/index.ts";
import {
  foldOf,
  type Happening,
  heldOf,
  isCaughtUp,
  type Member,
  presentMs,
  recordOf,
  someHappenings,
  startMember,
  streamDefinitions,
} from "../world.ts";

const WAIT = 60_000;
const TENANTS = ["default", "acme"];

const SETTINGS = {
  commitMs: 20,
  lastCommitMs: 300,
  drainMs: 600,
  writeMs: 500,
  backoff: { firstMs: 10, maxMs: 100, random: Math.random },
};

let kafka: KafkaServer;
beforeAll(async () => {
  kafka = await startKafka();
});
afterAll(async () => {
  await kafka.stop();
});

async function freshTopic(topic: string): Promise<string> {
  await kafka.createTopic(topic, { partitions: 2 });
  await kafka.createTopic(`${topic}.dead-letter`, { partitions: 1 });
  return topic;
}

/** One fetch takes what there is: many appends, so that there is something left to hold back. */
async function produce(topic: string, happenings: readonly Happening[]): Promise<void> {
  for (let at = 0; at < happenings.length; at += 250) {
    await kafka.produce(topic, happenings.slice(at, at + 250).map(recordOf));
  }
}

/** All that is settled is committed. */
function isCommitted({ position, committed, records }: PartitionStatus): boolean {
  return position === undefined || committed === undefined || position - committed === BigInt(records);
}

const isAway = ({ sync }: Member, what: string) => sync.status().outages.some(({ of }) => of === what);

test("a store that comes and goes: offsets and memory stand while it is away, readiness tells, and all is written in the end", async () => {
  await using redis = await startRedis();
  await using road = await startTcpProxy(redis);
  const topic = await freshTopic("flapping");
  const definitions = streamDefinitions({
    brokers: kafka.brokers,
    topic,
    onlineStore: `{ type: redis, connection_string: "${road.connectionString}", write_deadline: 300ms }`,
    stream: ", max_in_flight: { records: 400 }",
  });
  const nowMs = presentMs();
  await using member = await startMember(definitions, { settings: SETTINGS, nowMs });
  const { sync } = member;
  const happenings = someHappenings(seededRandom(11), 3_500, 200, nowMs);
  let produced = 500;
  const produceMore = async (count: number) => {
    await produce(topic, happenings.slice(produced, produced + count));
    produced += count;
  };
  await produce(topic, happenings.slice(0, produced));
  await until(WAIT, "the first are committed", () => isCaughtUp(kafka, topic, topic));
  const positions = () =>
    sync.status().partitions.map(({ topic: of, partition, position }) => ({ of, partition, position }));

  for (const breaks of ["cut", "hang", "cut"] as const) {
    road[breaks]();
    await produceMore(600);
    await until(WAIT, "the outage is known, and the partitions are paused", async () => {
      const { outages, partitions } = sync.status();
      return outages.some(({ of }) => of === "store") && partitions.every(({ paused }) => paused);
    });
    expect(sync.status().ready).toBe(false);
    // What had been written before the outage may still be committed; then the offsets stand.
    await until(WAIT, "all that is written is committed", async () => sync.status().partitions.every(isCommitted));
    const held = await kafka.committed(topic, topic);
    const read = positions();
    await produceMore(400);
    expect(await kafka.committed(topic, topic)).toEqual(held);
    expect(positions()).toEqual(read);
    road.resume();
    await until(WAIT, "it is ready again", async () => sync.status().ready); // the next outage comes while it catches up
  }
  await until(WAIT, "all is committed", () => isCaughtUp(kafka, topic, topic));
  for (const tenant of TENANTS) {
    expect(await heldOf(member.store, tenant)).toEqual(foldOf(definitions, happenings, tenant));
  }
  expect(sync.status().partitions.some(({ paused }) => paused)).toBe(false);
  const told = member.events.flatMap((event) => ("of" in event && event.of === "store" ? [event.kind] : []));
  expect(told).toEqual(["away", "back", "away", "back", "away", "back"]);
  await member.stop();
});

test.for(["platformatic", "kafkajs"] as const)(
  "told to let go while its store hangs, a member (%s) drains until the deadline and abandons the rest, which the next owner writes",
  async (client) => {
    await using redis = await startRedis();
    await using road = await startTcpProxy(redis);
    const topic = await freshTopic(`abandoned-${client}`);
    const common = { brokers: kafka.brokers, topic, client, rebalanceTimeout: "2s" };
    const storeAt = (place: string) => `{ type: redis, connection_string: "${place}", write_deadline: 300ms }`;
    const stuck = streamDefinitions({ ...common, onlineStore: storeAt(road.connectionString) });
    const whole = streamDefinitions({ ...common, onlineStore: storeAt(redis.connectionString) });
    const nowMs = presentMs();
    await using first = await startMember(stuck, { settings: SETTINGS, nowMs });
    const happenings = someHappenings(seededRandom(12), 1_000, 100, nowMs);
    await produce(topic, happenings.slice(0, 500));
    await until(WAIT, "the first half is committed", () => isCaughtUp(kafka, topic, topic));

    road.hang();
    await produce(topic, happenings.slice(500));
    await until(WAIT, "writes are on their way, and fail", async () => isAway(first, "store"));
    await using second = await startMember(whole, { settings: SETTINGS, nowMs });
    const ownOf = ({ sync }: Member) => sync.status().partitions.map(({ partition }) => partition);
    await until(WAIT, "each has one partition", async () => [first, second].every((each) => ownOf(each).length === 1));
    expect(first.events.map(({ kind }) => kind)).toContain("revoked");
    const [given = -1] = ownOf(second);
    expect(ownOf(first)).toEqual([1 - given]);
    await until(WAIT, "the second has written what was given to it", async () => {
      return (await kafka.committed(topic, topic))[given] === (await kafka.endOffsets(topic))[given];
    });
    await first.stop();
    await until(WAIT, "the second has written all", () => isCaughtUp(kafka, topic, topic));
    road.resume();
    for (const tenant of TENANTS) {
      expect(await heldOf(second.store, tenant)).toEqual(foldOf(whole, happenings, tenant));
    }
    await second.stop();
  },
);

test("brokers that come and go: nothing is lost, readiness tells, and it goes on where it was", async () => {
  const topic = await freshTopic("brokers");
  const definitions = streamDefinitions({
    brokers: kafka.brokers,
    topic,
    sessionTimeout: "2s",
    stream: ", request_timeout: 1s",
  });
  await using member = await startMember(definitions, { settings: SETTINGS });
  const happenings = someHappenings(seededRandom(13), 1_500, 100);
  await produce(topic, happenings.slice(0, 500));
  await until(WAIT, "the first part is committed", () => isCaughtUp(kafka, topic, topic));
  for (const from of [500, 1_000]) {
    await produce(topic, happenings.slice(from, from + 500));
    await kafka.kill(); // with whatever was read, written or committed by then
    await until(WAIT, "it is not ready", async () => !member.sync.status().ready);
    await kafka.restart();
  }
  await until(WAIT, "all is committed", () => isCaughtUp(kafka, topic, topic));
  await until(WAIT, "it is ready again", async () => member.sync.status().ready);
  for (const tenant of TENANTS) {
    expect(await heldOf(member.store, tenant)).toEqual(foldOf(definitions, happenings, tenant));
  }
  await member.stop();
});
