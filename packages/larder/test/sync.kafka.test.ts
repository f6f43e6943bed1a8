import { loadDefinitions, systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import {
  type ChildHandle,
  type KafkaServer,
  seededRandom,
  startKafka,
  startProcess,
  startRedis,
  until,
} from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createProject, LARDER, type Project } from "./project.ts";

const WAIT = 60_000;
const START = Date.parse("2025-06-01T00:00:00Z");

let kafka: KafkaServer;
beforeAll(async () => {
  kafka = await startKafka();
});
afterAll(async () => {
  await kafka.stop();
});

const yaml = (store: string, topic: string, more = "", stream = ""): string => `project: sync
online_store: ${store}
stream: { type: kafka, brokers: ${JSON.stringify(kafka.brokers)}, group_id: ${topic}, session_timeout: 1s, rebalance_timeout: 5s${stream} }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - name: scores
    entity: customer
    features: [{ name: score, type: float64 }]
    stream: { topic: ${topic}, created_time: created }
${more}`;

async function topicWithLetters(topic: string): Promise<void> {
  await kafka.createTopic(topic, { partitions: 3 });
  await kafka.createTopic(`${topic}.dead-letter`, { partitions: 1 });
}

/** `larder sync` from source, as a process of its own; it reads when this resolves. */
async function startSync(project: Project, ...args: readonly string[]): Promise<{ child: ChildHandle; url: string }> {
  const child = await startProcess(process.execPath, [...LARDER, "sync", "--port", "0", "--json", ...args], {
    cwd: project.folder,
    env: { INIT_CWD: undefined, NO_COLOR: undefined },
  });
  const { url } = JSON.parse(await child.waitForLine(/^\{"url"/, WAIT)) as { url: string };
  return { child, url };
}

interface StatusBody {
  readonly views: readonly { readonly applied: number; readonly duplicate: number }[];
  readonly partitions: readonly {
    readonly position: number | null;
    readonly committed: number | null;
    readonly in_flight: { readonly records: number };
  }[];
  readonly dead_letters: readonly { readonly topic: string; readonly code: string; readonly count: number }[];
}

const statusOf = async (url: string): Promise<StatusBody> =>
  (await (await fetch(`${url}/status`)).json()) as StatusBody;

test.concurrent("killed again and again, the store ends as if nothing had happened, and it is known that records were read twice", async () => {
  await using redis = await startRedis();
  const topic = "killed";
  await topicWithLetters(topic);
  await using project = await createProject(
    yaml(`{ type: redis, connection_string: "${redis.connectionString}" }`, topic),
  );
  const random = seededRandom(7);
  const newest = new Map<number, { readonly event: number; readonly created: number; readonly score: number }>();
  let produced = 0;
  const produce = async (count: number) => {
    const records = Array.from({ length: count }, () => {
      const customer = random.integer(1, 50);
      // Most records are newer than those before, some are late.
      const event = START + (produced++ - random.integer(0, 30)) * 1_000;
      const row = { event, created: event + produced, score: random.integer(0, 1_000) };
      const best = newest.get(customer);
      const isNewer =
        best === undefined || row.event > best.event || (row.event === best.event && row.created > best.created);
      if (isNewer) newest.set(customer, row);
      const times = { event_timestamp: new Date(event).toISOString(), created: new Date(row.created).toISOString() };
      return { key: String(customer), value: JSON.stringify({ customer_id: customer, score: row.score, ...times }) };
    });
    await kafka.produce(topic, records);
  };
  await produce(500);
  let duplicates = 0;
  for (let kills = 0; kills < 2; kills++) {
    const { child, url } = await startSync(project);
    await using _ended = child;
    await until(WAIT, "it has written what it has not committed", async () => {
      await produce(50);
      const { views, partitions } = await statusOf(url);
      duplicates += kills === 0 ? 0 : (views[0]?.duplicate ?? 0);
      return (
        views.length > 0 && partitions.some((each) => each.in_flight.records === 0 && each.position !== each.committed)
      );
    });
    child.signal("SIGKILL");
    await child.waitForExit();
  }
  const { child, url } = await startSync(project);
  await until(WAIT, "all is committed", async () => {
    const [committed, ends] = await Promise.all([kafka.committed(topic, topic), kafka.endOffsets(topic)]);
    return committed.every((offset, partition) => offset === ends[partition]);
  });
  // A row that is as the stored one was written before: every record has a created time of its own.
  duplicates += (await statusOf(url)).views[0]?.duplicate ?? 0;
  expect(duplicates).toBeGreaterThan(0);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  child.signal("SIGTERM");
  expect(await child.waitForExit()).toEqual({ code: 0, signal: null });

  const definitions = await loadDefinitions(project.path("feature_store.yaml"), { env: {} });
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  const held = new Map<number, unknown>();
  for await (const { row } of store.scan({ tenant: "default" }, { tenant: "default" })) {
    held.set(Number(row?.entityKey[0]), row && [row.eventTime, row.createdTime, row.values?.[0]]);
  }
  const expected = [...newest].map(([id, row]) => [id, [row.event * 1_000, row.created * 1_000, row.score]] as const);
  expect(held).toEqual(new Map(expected));
});

test.concurrent("probes, metrics and status tell how it does; what cannot be used is counted and set aside", async () => {
  const topic = "told";
  await topicWithLetters(topic);
  await using project = await createProject(yaml("{ type: sqlite }", topic));
  const good = {
    customer_id: 1,
    score: 2,
    event_timestamp: new Date(START).toISOString(),
    created: new Date(START).toISOString(),
  };
  await kafka.produce(topic, [{ value: JSON.stringify(good) }, { value: "no JSON" }]);
  const { child, url } = await startSync(project);
  await until(WAIT, "both are settled", async () => {
    const { views, dead_letters } = await statusOf(url);
    return views[0]?.applied === 1 && dead_letters[0]?.count === 1;
  });
  expect(await statusOf(url)).toMatchObject({
    ready: true,
    outages: [],
    views: [{ view: "scores", tenant: "default", applied: 1 }],
    dead_letters: [{ topic, code: "RECORD_UNREADABLE", count: 1 }],
    unknown_fields: 0,
  });
  expect(await (await fetch(`${url}/livez`)).json()).toEqual({ status: "alive" });
  expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ status: "ready", checks: { sync: "ok", group: "ok" } });
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toContain('larder_sync_rows_total{view="scores",tenant="default",status="applied"} 1\n');
  expect(metrics).toContain(`larder_sync_dead_letters_total{topic="${topic}",code="RECORD_UNREADABLE",view=""} 1\n`);
  expect(metrics).toContain("larder_sync_ready 1\n");
  const nowhere = await fetch(`${url}/elsewhere`);
  expect([nowhere.status, ((await nowhere.json()) as { readonly code: string }).code]).toEqual([404, "UNKNOWN_ROUTE"]);
  expect((await fetch(`${url}/livez`, { method: "POST" })).status).toBe(405);
  child.signal("SIGTERM");
  expect(await child.waitForExit()).toEqual({ code: 0, signal: null });
});

test.concurrent("where nothing can be read it says so, with exit code 2; too much poison has 1", async () => {
  await kafka.createTopic("alone", { partitions: 1 });
  await topicWithLetters("spoilt");
  await kafka.produce(
    "spoilt",
    Array.from({ length: 300 }, () => ({ value: "no JSON" })),
  );
  await using project = await createProject(yaml("{ type: memory }", "missing"));
  await project.write("alone.yaml", yaml("{ type: memory }", "alone"));
  await project.write("spoilt.yaml", yaml("{ type: memory }", "spoilt"));
  await project.write("none.yaml", "project: none\n");
  const failed = async (file: string) => {
    const { code, value } = await project.json("sync", "--port", "0", "-f", file);
    return { code, value };
  };
  const [missing, alone, none] = await Promise.all(["feature_store.yaml", "alone.yaml", "none.yaml"].map(failed));
  expect(missing).toMatchObject({
    code: 2,
    value: { error: { code: "STREAM_MISCONFIGURED", facts: { topic: "missing" } } },
  });
  expect(alone).toMatchObject({
    code: 2,
    value: { error: { code: "STREAM_MISCONFIGURED", facts: { topic: "alone.dead-letter" } } },
  });
  expect(none).toMatchObject({ code: 2, value: { error: { code: "CONFIG_INVALID" } } });
  const spoilt = await project.larder("sync", "--port", "0", "-f", "spoilt.yaml");
  expect(spoilt).toMatchObject({ code: 1, stderr: expect.stringContaining("STREAM_POISONED") });
});
