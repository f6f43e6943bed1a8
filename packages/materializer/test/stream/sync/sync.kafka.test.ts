import { type KafkaServer, seededRandom, startKafka, until } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEAD_LETTER_HEADERS } from "../../../src/stream/index.ts";
import {
  foldOf,
  type Happening,
  headerOf,
  heldOf,
  isCaughtUp,
  type Member,
  NOW_MS,
  readTopic,
  recordOf,
  someHappenings,
  startMember,
  streamDefinitions,
} from "../world.ts";

const WAIT = 60_000;
const LETTERS = ".dead-letter";

let kafka: KafkaServer;
beforeAll(async () => {
  kafka = await startKafka();
});
afterAll(async () => {
  await kafka.stop();
});

let topics = 0;
/** A topic of the test's own, and the one for its dead letters. */
async function freshTopic(partitions = 4): Promise<string> {
  const topic = `t${++topics}`;
  await kafka.createTopic(topic, { partitions });
  await kafka.createTopic(`${topic}${LETTERS}`, { partitions: 1 });
  return topic;
}

const happening = (customer: number, more: Partial<Happening> = {}): Happening => ({
  tenant: "default",
  customer,
  eventTime: NOW_MS - 60_000,
  createdTime: NOW_MS - 59_000,
  score: customer,
  note: "",
  ...more,
});

async function caughtUp(topic: string, group = topic): Promise<void> {
  await until(WAIT, `${group} has committed all of ${topic}`, () => isCaughtUp(kafka, group, topic));
}

/** Rows of a view and tenant, by what became of them. */
function countsOf({ sync }: Member, tenant = "default") {
  const found = sync.status().views.find((each) => each.tenant === tenant);
  if (found === undefined) throw new Error(`No row of ${tenant} came.`);
  return found;
}

test("records in any order end as their fold; what cannot be used is in the dead letters, with its reason, and what it was", async () => {
  const topic = await freshTopic();
  const definitions = streamDefinitions({ brokers: kafka.brokers, topic });
  const happenings = someHappenings(seededRandom(1), 2_000);
  const records = happenings.map(recordOf);
  const own = { trace: "abc" };
  records.splice(100, 0, { key: "k1", value: "no JSON", partition: 2, timestamp: NOW_MS - 5, headers: own });
  records.splice(900, 0, recordOf(happening(7, { tenant: "nobody" })));
  await kafka.produce(topic, records);

  await using member = await startMember(definitions, { settings: { holdMs: 0, commitMs: 50 } });
  await caughtUp(topic);
  for (const tenant of ["default", "acme"]) {
    expect(await heldOf(member.store, tenant)).toEqual(foldOf(definitions, happenings, tenant));
  }
  const { merged, applied, duplicate, stale } = countsOf(member);
  expect(merged + applied + duplicate + stale).toBe(happenings.filter(({ tenant }) => tenant === "default").length);
  expect(merged).toBeGreaterThan(0);
  expect(member.sync.status()).toMatchObject({ ready: true, joined: true, outages: [] });

  const letters = await readTopic(kafka, definitions, `${topic}${LETTERS}`);
  expect(letters.map((letter) => headerOf(letter, DEAD_LETTER_HEADERS.code)).toSorted()).toEqual([
    "RECORD_UNREADABLE",
    "UNKNOWN_TENANT",
  ]);
  const unreadable = letters.find((letter) => headerOf(letter, DEAD_LETTER_HEADERS.code) === "RECORD_UNREADABLE");
  expect(Buffer.from(unreadable!.key!).toString()).toBe("k1");
  expect(Buffer.from(unreadable!.value!).toString()).toBe("no JSON");
  const headers = Object.fromEntries(
    [...unreadable!.headers].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]),
  );
  expect(headers).toMatchObject({
    trace: "abc",
    "larder.code": "RECORD_UNREADABLE",
    "larder.topic": topic,
    "larder.partition": "2",
    "larder.offset": expect.stringMatching(/^\d+$/),
    "larder.timestamp": String(NOW_MS - 5),
    "larder.attempt": "1",
    "larder.time": "2026-01-01T00:00:00.000Z",
  });
  expect(headers["larder.message"]).not.toBe("");
  await member.stop();
});

test("too much poison stops the sync before it has drained the topic, at every start", async () => {
  const topic = await freshTopic(2);
  const definitions = streamDefinitions({ brokers: kafka.brokers, topic });
  const bad = Array.from({ length: 600 }, (_, index) => ({ value: `bad ${index}` }));
  await kafka.produce(topic, bad);
  for (const _start of [1, 2]) {
    await using member = await startMember(definitions, { settings: { holdMs: 60_000 } });
    await expect(member.ended).rejects.toMatchObject({
      code: "STREAM_POISONED",
      message: expect.stringMatching(/^201 of the last 1000 records cannot be used, more than 20 %/),
    });
    expect(member.sync.status().ready).toBe(false);
  }
  expect(await kafka.endOffsets(`${topic}${LETTERS}`)).toEqual([0n]);
  expect(await kafka.committed(topic, topic)).toEqual([-1n, -1n]);
});

test("a tenant over its quota goes to the dead letters, but for what it deletes, and stops nobody else", async () => {
  const topic = await freshTopic(1);
  const definitions = streamDefinitions({
    brokers: kafka.brokers,
    topic,
    tenants: "{ default: {}, acme: { max_bytes: 1 } }",
  });
  await using member = await startMember(definitions, { settings: { holdMs: 0, commitMs: 50 } });
  const first = happening(1, { tenant: "acme" });
  await kafka.produce(topic, [recordOf(first)]);
  await caughtUp(topic);
  const rest = [
    happening(1, { tenant: "acme", createdTime: NOW_MS - 50_000 }),
    happening(2),
    happening(3, { tenant: "acme" }),
    happening(1, { tenant: "acme", score: undefined, createdTime: NOW_MS - 40_000 }),
    happening(4),
  ];
  await until(WAIT, "acme is known to be over its quota", async () => {
    member.clock.advance(61_000_000); // what a tenant takes is measured once a minute
    await kafka.produce(topic, [recordOf(happening(9, { tenant: "acme" }))]);
    await caughtUp(topic);
    return countsOf(member, "acme").refused > 0;
  });
  const lettersBefore = (await kafka.endOffsets(`${topic}${LETTERS}`))[0] ?? 0n;
  await kafka.produce(topic, rest.map(recordOf));
  await caughtUp(topic);
  expect(await heldOf(member.store, "default")).toEqual(foldOf(definitions, rest, "default"));
  const acme = await heldOf(member.store, "acme");
  expect(acme.find(({ row }) => row?.entityKey[0] === 1n)?.row?.values).toBeUndefined();
  expect(acme.some(({ row }) => row?.entityKey[0] === 3n)).toBe(false);
  const letters = await readTopic(kafka, definitions, `${topic}${LETTERS}`);
  expect(
    letters.slice(Number(lettersBefore)).map((letter) => [headerOf(letter, "larder.code"), headerOf(letter, "tenant")]),
  ).toEqual([
    ["QUOTA_EXCEEDED", "acme"],
    ["QUOTA_EXCEEDED", "acme"],
  ]);
  await member.stop();
});

test("members share the partitions, and what moves between them is lost to nobody", async () => {
  const topic = await freshTopic(4);
  const definitions = streamDefinitions({ brokers: kafka.brokers, topic });
  const happenings = someHappenings(seededRandom(3), 4_000, 100);
  const records = happenings.map(recordOf);
  await kafka.produce(topic, records.slice(0, 1_000));
  await using first = await startMember(definitions, { settings: { commitMs: 50 } });
  const shared = { store: first.store, settings: { commitMs: 50 } };
  await until(WAIT, "the first has all partitions", async () => first.sync.status().partitions.length === 4);
  {
    await using second = await startMember(definitions, shared);
    await kafka.produce(topic, records.slice(1_000, 2_000));
    await until(WAIT, "both have some", async () =>
      [first, second].every(({ sync }) => sync.status().partitions.length === 2),
    );
    await kafka.produce(topic, records.slice(2_000, 3_000));
    await until(WAIT, "the second has written", async () => second.sync.status().views.length > 0);
    await second.stop();
  }
  await kafka.produce(topic, records.slice(3_000));
  await caughtUp(topic);
  await until(WAIT, "the first has all again", async () => first.sync.status().partitions.length === 4);
  for (const tenant of ["default", "acme"]) {
    expect(await heldOf(first.store, tenant)).toEqual(foldOf(definitions, happenings, tenant));
  }
  await first.stop();
});
