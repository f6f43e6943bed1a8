import { setTimeout as wait } from "node:timers/promises";
import { type Definitions, systemClock } from "@larder/schema";
import { type KafkaRecord, type KafkaServer, startKafka, until } from "@larder/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createRecordDecoder,
  type LetterFilter,
  type LetterParts,
  type LetterReplayRequest,
  listLetters,
  openRecordSink,
  openStreamAdmin,
  purgeLetters,
  type RecordSink,
  replayLetters,
  showLetter,
  streamOf,
} from "../../src/stream/index.ts";
import { headerOf, heldOf, isCaughtUp, NOW_MS, readTopic, recordOf, startMember, streamDefinitions } from "./world.ts";

const WAIT = 60_000;
const LETTERS = ".dead-letter";

/** A member that does not wait for what is in hand has left by then. */
const LEAVING_MS = 400;
const never = new AbortController().signal;

let kafka: KafkaServer;
beforeAll(async () => {
  kafka = await startKafka();
});
afterAll(async () => {
  await kafka.stop();
});

let topics = 0;
async function world(more = "", client: "kafkajs" | "platformatic" = "platformatic"): Promise<Definitions> {
  const topic = `letters${++topics}`;
  await kafka.createTopic(topic, { partitions: 2 });
  await kafka.createTopic(`${topic}${LETTERS}`, { partitions: 2 });
  return streamDefinitions({ brokers: kafka.brokers, topic, client, stream: more });
}

/** Definitions as they are, with the tenant that was missing. */
const withTenant = (definitions: Definitions): Definitions =>
  streamDefinitions({ brokers: kafka.brokers, topic: topicOf(definitions), tenants: "{ default: {}, late: {} }" });

const topicOf = (definitions: Definitions): string => streamOf(definitions).groupId;

interface Desk extends LetterParts, AsyncDisposable {
  readonly sink: RecordSink;
}

async function openDesk(definitions: Definitions): Promise<Desk> {
  const admin = await openStreamAdmin(streamOf(definitions));
  const sink = await openRecordSink(streamOf(definitions));
  const close = async () => {
    await admin.close();
    await sink.close();
  };
  const decoder = createRecordDecoder(definitions);
  return { definitions, admin, sink, decoder, clock: systemClock, [Symbol.asyncDispose]: close };
}

const replay = (desk: Desk, more: Partial<LetterReplayRequest> = {}) =>
  replayLetters(desk, { filter: {}, sink: desk.sink, perSecond: 10_000, dryRun: false, signal: never, ...more });
const list = (desk: Desk, filter: LetterFilter, limit = 0) => listLetters(desk, { filter, signal: never }, limit);

/** A dead letter as a sync leaves it. */
function letter(source: string, offset: number, more: Readonly<Record<string, string>> = {}): KafkaRecord {
  const {
    "larder.value": value = `{"customer_id":${offset},"event_timestamp":"2025-12-31T00:00:00Z","score":1,"note":""}`,
  } = more;
  const { "larder.value": _, ...headers } = more;
  return {
    key: `k${offset}`,
    value,
    partition: offset % 2,
    headers: {
      tenant: "default",
      own: "kept",
      "larder.code": "RECORD_INVALID",
      "larder.field": "score",
      "larder.message": "is wrong",
      "larder.topic": source,
      "larder.partition": String(offset % 2),
      "larder.offset": String(offset),
      "larder.timestamp": String(NOW_MS - 1_000 + offset),
      "larder.attempt": "1",
      "larder.time": new Date(NOW_MS + offset).toISOString(),
      ...headers,
    },
  };
}

async function valuesOf(definitions: Definitions): Promise<readonly string[]> {
  const records = await readTopic(kafka, definitions, topicOf(definitions));
  return records.map(({ value }) => Buffer.from(value ?? []).toString());
}

test("what a sync refused is listed, sent back when the cause is mended, and becomes a row", async () => {
  const definitions = await world();
  const topic = topicOf(definitions);
  const row = { customer: 1, eventTime: NOW_MS - 60_000, createdTime: NOW_MS - 59_000, score: 7, note: "" };
  await kafka.produce(topic, [recordOf({ ...row, tenant: "late" }), { key: "bad", value: "no JSON", partition: 1 }]);
  {
    await using member = await startMember(definitions, { settings: { holdMs: 0, commitMs: 50 } });
    await until(WAIT, "both are refused", () => isCaughtUp(kafka, topic, topic));
    await member.stop();
  }
  const mended = withTenant(definitions);
  await using desk = await openDesk(mended);
  const { count, groups } = await list(desk, {});
  expect(count).toBe(2);
  expect(groups.map(({ source, code, attempts }) => [source, code, attempts])).toEqual(
    expect.arrayContaining([
      [topic, "RECORD_UNREADABLE", 1],
      [topic, "UNKNOWN_TENANT", 1],
    ]),
  );
  // Whose it is, the record itself says, now that there is such a tenant.
  expect((await list(desk, { tenant: "late" })).groups.map(({ code }) => code)).toEqual(["UNKNOWN_TENANT"]);
  expect(await replay(desk, { dryRun: true })).toMatchObject({ sent: 2, refusedStill: 1 });

  await using member = await startMember(mended, { settings: { holdMs: 0, commitMs: 50 } });
  expect(await replay(desk)).toMatchObject({ sent: 2, before: 0, complete: true });
  await until(WAIT, "both came again", async () => (await list(desk, {})).count === 3);
  const [held] = await heldOf(member.store, "late");
  expect(held?.row).toMatchObject({ createdTime: row.createdTime * 1_000, values: [7, ""] });
  const again = (await list(desk, { codes: ["RECORD_UNREADABLE"] }, 5)).letters.map(({ reason }) => reason?.attempt);
  expect(again.toSorted()).toEqual([1, 2]);
  // It goes on behind what was sent: only the new letter is left.
  expect(await replay(desk, { dryRun: true })).toMatchObject({ sent: 1, before: 2 });
  await member.stop();
});

describe.each(["kafkajs", "platformatic"] as const)("with %s", (client) => {
  test("filters mean what they say; one letter is shown", async () => {
    const definitions = await world("", client);
    const topic = topicOf(definitions);
    await kafka.produce(`${topic}${LETTERS}`, [
      letter(topic, 0),
      letter(topic, 2, { "larder.code": "RECORD_UNREADABLE" }),
      letter(topic, 4, { "larder.view": "scores", "larder.tenant": "acme" }),
      letter(topic, 6, { "larder.view": "other" }),
      letter(topic, 1),
      { key: "stray", value: "not a letter", partition: 1 },
    ]);
    await using desk = await openDesk(definitions);
    const sources = async (filter: LetterFilter) =>
      (await list(desk, filter, 10)).letters.map(({ reason }) => Number(reason?.source.offset ?? -1)).toSorted();
    expect(await sources({})).toEqual([-1, 0, 1, 2, 4, 6]);
    expect(await sources({ codes: ["RECORD_UNREADABLE"] })).toEqual([2]);
    expect(await sources({ view: "scores" })).toEqual([0, 1, 2, 4]);
    expect(await sources({ tenant: "acme" })).toEqual([4]);
    expect(await sources({ since: (NOW_MS + 1) * 1_000, until: (NOW_MS + 4) * 1_000 })).toEqual([1, 2]);
    expect(await sources({ partition: 1 })).toEqual([-1, 1]);
    expect(await sources({ partition: 0, offset: 3n })).toEqual([6]);

    const shown = await showLetter(desk, { filter: { partition: 0, offset: 1n }, signal: never });
    expect(shown.reason).toMatchObject({ code: "RECORD_UNREADABLE", source: { topic, partition: 0, offset: 2n } });
    const missing = showLetter(desk, { filter: { partition: 0, offset: 9n }, signal: never });
    await expect(missing).rejects.toMatchObject({ code: "USAGE" });
    await expect(list(desk, { offset: 1n })).rejects.toMatchObject({ code: "USAGE" });
    await expect(list(desk, { topic: "elsewhere" })).rejects.toMatchObject({ code: "USAGE" });
  });

  test("a replay sends what the record was; what is no whole record stays; a stopped one goes on; a purge takes the beginning", async () => {
    const definitions = await world("", client);
    const topic = topicOf(definitions);
    const letters = Array.from({ length: 40 }, (_, offset) => letter(topic, offset));
    letters.push(letter(topic, 40, { "larder.value_bytes": "9000000" }), { value: "not a letter", partition: 0 });
    await kafka.produce(`${topic}${LETTERS}`, letters);
    await using desk = await openDesk(definitions);

    const stopping = new AbortController();
    // It is stopped while a piece is being sent: the piece is sent and remembered before the group is left.
    const send: RecordSink["send"] = async (to, records) => {
      await desk.sink.send(to, records);
      if (!stopping.signal.aborted) stopping.abort(new Error("stopped"));
      await wait(LEAVING_MS);
    };
    const stopped = replay(desk, { perSecond: 20, signal: stopping.signal, sink: { send } });
    await expect(stopped).rejects.toThrow("stopped");
    const early = (await kafka.endOffsets(topic)).reduce((sum, end) => sum + end, 0n);
    expect(early).toBe(5n);

    const rest = await replay(desk);
    expect(rest).toMatchObject({ withoutValue: 1, foreign: 1, complete: true });
    const records = await readTopic(kafka, definitions, topic);
    const sent = new Set(records.map(({ key }) => Buffer.from(key ?? []).toString()));
    expect(sent.size).toBe(40);
    expect(records.length).toBe(40);
    const third = records.find(({ key }) => Buffer.from(key ?? []).toString() === "k3");
    expect(third).toMatchObject({ timestamp: NOW_MS - 1_000 + 3 });
    expect([...(third?.headers.keys() ?? [])].toSorted()).toEqual(["larder.attempt", "own", "tenant"]);
    expect(headerOf(third!, "larder.attempt")).toBe("1");
    expect(await replay(desk)).toMatchObject({ sent: 0, before: 42 });

    const until5 = { filter: { until: (NOW_MS + 5) * 1_000 }, signal: never };
    expect(await purgeLetters(desk, { ...until5, dryRun: true })).toMatchObject({ deleted: 5, kept: 0 });
    expect((await list(desk, {})).count).toBe(42);
    expect(await purgeLetters(desk, { ...until5, dryRun: false })).toMatchObject({ deleted: 5 });
    expect((await list(desk, {})).count).toBe(37);
    const one = { filter: { partition: 0, offset: 10n }, signal: never, dryRun: false };
    expect(await purgeLetters(desk, one)).toMatchObject({ deleted: 0, kept: 1, positions: [] });
    expect(await purgeLetters(desk, { filter: {}, signal: never, dryRun: false })).toMatchObject({ deleted: 37 });
    expect(await list(desk, {})).toMatchObject({ count: 0, groups: [] });
  });
});

test("a limit ends a replay, and the next goes on; a topic with times of its own is refused", async () => {
  const definitions = await world();
  const topic = topicOf(definitions);
  await kafka.produce(
    `${topic}${LETTERS}`,
    [0, 1, 2].map((offset) => letter(topic, offset)),
  );
  await using desk = await openDesk(definitions);
  expect(await replay(desk, { limit: 2 })).toMatchObject({ sent: 2, complete: false });
  expect(await replay(desk, { limit: 2 })).toMatchObject({ sent: 1, complete: true });
  expect(new Set(await valuesOf(definitions)).size).toBe(3);
  await kafka.alterTopic(topic, { "message.timestamp.type": "LogAppendTime" });
  await expect(replay(desk)).rejects.toMatchObject({ code: "STREAM_MISCONFIGURED" });
});
