import { loadDefinitions, systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { type KafkaServer, redisCommand, seededRandom, startKafka, startRedis, until } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../src/cli/program.ts";
import { plainTerminal } from "./cli/plain-terminal.ts";
import { createProject, type Project } from "./project.ts";
import { countsOf, isCaughtUp, startLarder, startSync, topicWithLetters, WAIT_MS } from "./sync-process.ts";

const START = Date.parse("2025-06-01T00:00:00Z");

let kafka: KafkaServer;
beforeAll(async () => {
  kafka = await startKafka();
});
afterAll(async () => {
  await kafka.stop();
});

const yaml = (store: string, topic: string): string => `project: backfill
online_store: ${store}
offline_store: { type: duckdb, path: data }
stream: { type: kafka, brokers: ${JSON.stringify(kafka.brokers)}, group_id: ${topic}, session_timeout: 1s, rebalance_timeout: 5s }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - name: scores
    entity: customer
    features: [{ name: score, type: float64 }]
    source: { path: scores/*.parquet, timestamp_field: event_timestamp, created_timestamp_column: created, created_means: arrival }
    stream: { topic: ${topic}, created_time: created }
`;

/** Something that is true of a customer since a time, in milliseconds of the epoch. Its created time is the same. */
interface Fact {
  readonly customer: number;
  readonly event: number;
  readonly score: number;
}

/** `at`: the record's own time. */
function recordOf({ customer, event, score }: Fact, at = event) {
  const time = new Date(event).toISOString();
  const value = JSON.stringify({ customer_id: customer, score, event_timestamp: time, created: time });
  return { key: String(customer), value, timestamp: at };
}

/** Customer -> event time and score of the newest fact. */
function foldOf(facts: readonly Fact[]): ReadonlyMap<number, readonly [number, number]> {
  const newest = new Map<number, Fact>();
  for (const fact of facts) {
    const best = newest.get(fact.customer);
    if (best === undefined || fact.event > best.event) newest.set(fact.customer, fact);
  }
  return new Map([...newest].map(([customer, { event, score }]) => [customer, [event, score]]));
}

async function heldIn(project: Project): Promise<ReadonlyMap<number, readonly [number, unknown]>> {
  const definitions = await loadDefinitions(project.path("feature_store.yaml"), { env: {} });
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  const held = new Map<number, readonly [number, unknown]>();
  for await (const { row } of store.scan({ tenant: "default" }, { tenant: "default" })) {
    if (row !== undefined) held.set(Number(row.entityKey[0]), [row.eventTime / 1_000, row.values?.[0]]);
  }
  return held;
}

test.concurrent("bootstrap-while-streaming: a store that is filled from Parquet while the stream runs, killed in between, ends as the fold of both", async () => {
  const customers = 6_000;
  await using redis = await startRedis();
  const topic = "bootstrap";
  await topicWithLetters(kafka, topic);
  await using project = await createProject(
    yaml(`{ type: redis, connection_string: "${redis.connectionString}" }`, topic),
  );
  const ofFile = (customer: number): Fact => ({ customer, event: START + customer * 1_000, score: customer });
  await project.parquet(
    "data/scores/a.parquet",
    `SELECT i::BIGINT AS customer_id, TIMESTAMP '2025-06-01' + INTERVAL 1 SECOND * i AS event_timestamp,
       event_timestamp AS created, i::DOUBLE AS score FROM range(${customers}) t(i)`,
  );
  const random = seededRandom(11);
  const facts = Array.from({ length: customers }, (_, customer) => ofFile(customer));
  /** Facts of some customers anywhere, half of them newer than the file's. */
  const happen = async (count: number) => {
    const more = Array.from({ length: count }, (_, i): Fact => {
      const customer = random.integer(0, customers - 1);
      const ahead = (i % 2 === 0 ? 1 : -1) * random.integer(1, 3_600_000);
      return { customer, event: START + customer * 1_000 + ahead, score: -random.integer(1, 1_000) };
    });
    facts.push(...more);
    await kafka.produce(
      topic,
      more.map((fact) => recordOf(fact)),
    );
  };
  await happen(300);
  const sync = await startSync(project);
  await using _sync = sync.child;
  const run = ["materialize", "2025-06-01", "2025-06-30", "--json", "--max-rows-per-second"];
  const first = await startLarder(project, ...run, "1500");
  await using _first = first;
  const rows = async () => Number(await redisCommand(redis.port, "DBSIZE"));
  await until(WAIT_MS, "a part of the file is in the store", async () => (await rows()) > 1_000);
  await happen(300);
  first.signal("SIGKILL");
  expect(await first.waitForExit()).toEqual({ code: null, signal: "SIGKILL" });
  expect(await rows()).toBeLessThan(customers);
  await happen(300);
  const { value } = await project.json(...run.slice(0, 3), "--max-rows-per-second", "100000");
  const { applied, duplicate, stale, ...report } = (value as { totals: Record<string, number> }).totals;
  expect(value).toMatchObject({ views: [{ resumed: true }], totals: { rows: customers, refused: 0 } });
  expect(report).toMatchObject({ rows: customers, expired: 0 });
  expect((applied ?? 0) + (duplicate ?? 0) + (stale ?? 0)).toBe(customers);
  expect(stale, "rows of the file that met a newer one of the stream").toBeGreaterThan(0);
  await happen(100);
  await until(WAIT_MS, "the stream is read", () => isCaughtUp(kafka, topic, topic));
  expect((await countsOf(sync))["stale"], "records that met a newer row of the file").toBeGreaterThan(0);
  sync.child.signal("SIGTERM");
  expect(await sync.child.waitForExit()).toEqual({ code: 0, signal: null });
  expect(await heldIn(project)).toEqual(foldOf(facts));
});

/** Runs a verb in this process, which costs a tenth of one of its own. */
async function json(
  project: Project,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly value: unknown }> {
  const terminal = plainTerminal(undefined, project.folder);
  const code = await runCli([...args, "--json"], terminal);
  return { code, value: JSON.parse(terminal.said) };
}

/** What a dry run answers. */
interface Positions {
  readonly group: string;
  readonly members: readonly { readonly id: string }[];
  readonly partitions: readonly {
    readonly partition: number;
    readonly committed: number | null;
    readonly from: number;
    readonly until: number | null;
    readonly offsets: number;
  }[];
}

test.concurrent("a group is moved to a time, an end or offsets, but not while it has members; a dry run only tells", async () => {
  const topic = "moved";
  await topicWithLetters(kafka, topic, 2);
  await using project = await createProject(yaml("{ type: sqlite }", topic));
  const facts = Array.from({ length: 10 }, (_, i) => ({ customer: i, event: START + i * 60_000, score: i }));
  await kafka.produce(
    topic,
    facts.map((fact, i) => ({ ...recordOf(fact), partition: i % 2 })),
  );
  const sync = await startSync(project);
  await using _sync = sync.child;
  await until(WAIT_MS, "all is committed", () => isCaughtUp(kafka, topic, topic));
  const dryRun = async (...args: readonly string[]) => {
    const { code, value } = await json(project, "sync", "--dry-run", "--from", ...args);
    expect(code).toBe(0);
    return value as Positions;
  };
  const starts = ({ partitions }: Positions) => partitions.map(({ from, until: end }) => [from, end]);
  const [earliest, latest, byTime, byOffset, window] = await Promise.all([
    dryRun("earliest"),
    dryRun("latest"),
    // Minutes 0, 2, 4, 6, 8 are in partition 0, the others in 1: the first record of this time or later.
    dryRun("2025-06-01T00:03:00.000001Z"),
    dryRun(`${topic}:1:2`),
    dryRun("2025-06-01T00:02:00Z", "--until", "2025-06-01T00:07:00Z"),
  ]);
  expect(earliest).toMatchObject({ group: topic, members: [{ id: expect.any(String) }] });
  expect(earliest.partitions.map(({ committed, offsets }) => [committed, offsets])).toEqual([
    [5, 5],
    [5, 5],
  ]);
  const ends = [earliest, latest, byTime, byOffset].map(starts);
  const open = (...froms: readonly number[]) => froms.map((from) => [from, null]);
  expect(ends).toEqual([open(0, 0), open(5, 5), open(2, 2), open(5, 2)]);
  expect(starts(window)).toEqual([
    [1, 4],
    [1, 3],
  ]);
  expect(window.group).toMatch(new RegExp(`^${topic}\\.replay-`));

  const { id } = earliest.members[0] ?? {};
  const refused = await json(project, "sync", "--port", "0", "--from", "earliest");
  expect(refused).toMatchObject({
    code: 1,
    value: { error: { code: "STREAM_GROUP_ACTIVE", facts: { members: [id] } } },
  });
  expect(await kafka.committed(topic, topic)).toEqual([5n, 5n]);
  sync.child.signal("SIGTERM");
  await sync.child.waitForExit();

  const again = await startSync(project, "--from", `${topic}:1:2`);
  await using _again = again.child;
  await until(WAIT_MS, "three records are read again", async () => (await countsOf(again))["duplicate"] === 3);
  again.child.signal("SIGTERM");
  expect(await again.child.waitForExit()).toEqual({ code: 0, signal: null });
  expect(await heldIn(project)).toEqual(foldOf(facts));
});

test.concurrent("what is no position, or does not go together, is refused by its option", async () => {
  const topic = "refused";
  await topicWithLetters(kafka, topic, 2);
  await using project = await createProject(yaml("{ type: memory }", topic));
  const refusals = [
    ["--from", "yesterday"],
    ["--from", "elsewhere:0:0"],
    ["--from", `${topic}:2:0`],
    ["--from", `${topic}:0:1`],
    ["--from", `${topic}:0:0,${topic}:0:0`],
    ["--until", "latest"],
    ["--dry-run"],
    ["--from", "earliest", "--until", "latest", "--port", "0"],
    ["--max-rows-per-second", "0"],
  ];
  const answers = await Promise.all(refusals.map(async (args) => await json(project, "sync", ...args)));
  const fields = ["--from", "--from", "--from", "--from", "--from", "--until", "--dry-run", "--port"];
  expect(answers.map(({ code }) => code)).toEqual(refusals.map(() => 2));
  expect(answers.map(({ value }) => value)).toMatchObject(
    [...fields, "--max-rows-per-second"].map((field) => ({ error: { code: "USAGE", facts: { field } } })),
  );
});

test.concurrent("a window is replayed beside the sync, goes on where a killed replay was, and moves nobody else's offsets", async () => {
  const topic = "replayed";
  await topicWithLetters(kafka, topic);
  await using redis = await startRedis();
  await using project = await createProject(
    yaml(`{ type: redis, connection_string: "${redis.connectionString}" }`, topic),
  );
  const facts = Array.from({ length: 1_500 }, (_, i) => ({ customer: i, event: START + i * 1_000, score: i }));
  await kafka.produce(
    topic,
    facts.map((fact) => recordOf(fact)),
  );
  // The sync reads on from the end: of the past, only the replay brings anything.
  const sync = await startSync(project, "--from", "latest");
  await using _sync = sync.child;
  const later = { customer: 9_999, event: START + 9_999_000, score: 1 };
  await kafka.produce(topic, [recordOf(later)]);
  const command = ["sync", "--from", "2025-06-01T00:05:00Z", "--until", "2025-06-01T00:20:00Z", "--json"];
  const first = await startLarder(project, ...command, "--max-rows-per-second", "200");
  await using _first = first;
  const dryRun = async () => (await json(project, ...command.slice(0, -1), "--dry-run")).value as Positions;
  const { group, partitions } = await dryRun();
  await until(WAIT_MS, "a part of the window is committed", async () => {
    const committed = await kafka.committed(group, topic);
    return committed.some((offset, partition) => offset > BigInt(partitions[partition]?.from ?? 0));
  });
  first.signal("SIGKILL");
  await first.waitForExit();
  const { code, value } = await json(project, ...command.slice(0, -1));
  expect(value).toMatchObject({ group, resumed: true, dead_letters: [], quiet: [] });
  expect(code).toBe(0);
  await until(WAIT_MS, "the stream is read", () => isCaughtUp(kafka, topic, topic));
  expect(await countsOf(sync)).toMatchObject({ applied: 1 });
  sync.child.signal("SIGTERM");
  await sync.child.waitForExit();
  expect(await heldIn(project)).toEqual(foldOf([...facts.slice(300, 1_200), later]));
  // The group is gone with the replay: the same window may be replayed again from its beginning.
  expect((await dryRun()).partitions.map(({ committed }) => committed)).toEqual([null, null, null]);
});
