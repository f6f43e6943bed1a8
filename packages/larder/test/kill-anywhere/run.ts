import { setTimeout as wait } from "node:timers/promises";
import { type Definitions, loadDefinitions, systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { type KafkaServer, type RedisServer, type SeededRandom, until } from "@larder/testkit";
import { createProject } from "../project.ts";
import { Events, type Fact, foldOf, noteOf, ownerOf, READERS, TENANTS, TOPICS, VIEWS } from "./events.ts";
import { faultsOf, SESSION_MS } from "./faults.ts";
import { History } from "./history.ts";
import { startProber } from "./prober.ts";
import { startEventProducer } from "./producer.ts";
import { SyncProcess } from "./sync-process.ts";

/** What one run is made of. */
export interface KillRun {
  readonly kafka: KafkaServer;
  /** Keeps what it has acknowledged when it is killed; see {@link KEEPING}. */
  readonly redis: RedisServer;
  readonly random: SeededRandom;
  readonly client: "kafkajs" | "platformatic";
  /** The group's name; its topics begin with it. */
  readonly group: string;
  /** Whether another round of all faults begins, after so many. */
  readonly more: (rounds: number) => boolean;
}

/** What came of it. */
export interface KillResult {
  /** What must never happen, in words; empty is good. */
  readonly broken: readonly string[];
  readonly facts: number;
  readonly records: number;
  /** Rows of `orders` that met themselves in the store: records that were read twice, but for those the producer had to send again. */
  readonly duplicates: number;
  readonly sentAgain: number;
  /** Rows that were read and judged, of so many answered reads; others failed while something was away. */
  readonly judged: number;
  readonly reads: { readonly answered: number; readonly failed: number };
  readonly faults: number;
  readonly seconds: number;
}

/** Arguments of a Redis that keeps what it has acknowledged. */
export const KEEPING = ["--appendonly", "yes", "--appendfsync", "always"];

const WAIT_MS = 120_000;

/** Keeps events coming, harms two syncs, the broker and the store in the seed's order, and looks at everything on the way and at what is left. */
export async function killAnywhere({ kafka, redis, random, client, group, more }: KillRun): Promise<KillResult> {
  const started = performance.now();
  const topicOf = (topic: string) => `${group}-${topic}`;
  const topics = TOPICS.map(topicOf);
  for (const topic of topics) {
    await kafka.createTopic(topic, { partitions: 3 });
    await kafka.createTopic(`${topic}.dead-letter`, { partitions: 1 });
  }
  await using project = await createProject(yamlOf(kafka, redis, client, group, topicOf));
  const definitions = await loadDefinitions(project.path("feature_store.yaml"), { env: {} });
  const events = new Events(random, Math.floor(systemClock.now() / 1_000) - 29 * 86_400_000);
  const history = new History();
  const prober = await startProber(definitions, kafka, group, topics, history);
  const producer = startEventProducer({ kafka, random, events, history, topicOf });
  const processes = [new SyncProcess(project.folder), new SyncProcess(project.folder)];
  let faults = 0;
  try {
    for (let round = 0; more(round); round++) {
      for (const fault of random.shuffle(faultsOf({ kafka, redis, processes, random }))) {
        await wait(random.integer(0, 300)); // at any moment: that is what is tested
        await fault.happen();
        faults++;
      }
    }
    await producer.stop();
    await until(WAIT_MS, "all is committed", async () => {
      const behind: string[] = [];
      for (const topic of topics) {
        const committed = await kafka.committed(group, topic);
        for (const [partition, end] of (await kafka.endOffsets(topic)).entries()) {
          if (end > 0n && committed[partition] !== end)
            behind.push(`${topic} ${partition}: ${committed[partition]} of ${end}`);
        }
      }
      if (behind.length === 0) return true;
      throw new Error([...behind, ...processes.map((process) => process.describe())].join("\n"));
    });
    for (const process of processes) {
      await process.isReady();
      history.broken.push(...(await process.stop()));
    }
  } finally {
    await producer.stop();
    await Promise.all(processes.map((process) => process.stop()));
    await prober.stop();
  }
  const records = { moves: 0, orders: 0 };
  for (const topic of TOPICS) {
    const [letters = 0n] = await kafka.endOffsets(`${topicOf(topic)}.dead-letter`);
    if (letters > 0n) history.broken.push(`${letters} records of ${topic} are in the dead letters`);
    for (const end of await kafka.endOffsets(topicOf(topic))) records[topic] += Number(end);
  }
  const wrong = await differences(definitions, foldOf(events.facts));
  return {
    broken: [...history.broken, ...wrong],
    facts: events.facts.length,
    records: records.moves + records.orders,
    duplicates: processes.reduce((sum, { duplicates }) => sum + duplicates, 0),
    sentAgain: records.orders - events.facts.filter(({ topic }) => topic === "orders").length,
    judged: history.rows,
    reads: prober.counts,
    faults,
    seconds: (performance.now() - started) / 1_000,
  };
}

function yamlOf(
  kafka: KafkaServer,
  redis: RedisServer,
  client: KillRun["client"],
  group: string,
  topicOf: (topic: string) => string,
): string {
  const view = (name: (typeof VIEWS)[number]) => {
    const read = TOPICS.filter((topic) => READERS[topic].some((each) => each === name)).map(topicOf);
    return `  - name: ${name}
    entity: customer
    features: [{ name: "n", type: int64 }, { name: note, type: string }]
    stream: { topics: ${JSON.stringify(read)}, created_time: created, tenant_field: "header:tenant" }`;
  };
  return `project: ${group}
online_store: { type: redis, connection_string: "${redis.connectionString}", write_deadline: 400ms }
stream:
  { type: kafka, client: ${client}, brokers: ${JSON.stringify(kafka.brokers)}, group_id: ${group}, session_timeout: ${SESSION_MS}ms, rebalance_timeout: 3s, request_timeout: 2s }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
${VIEWS.map(view).join("\n")}
tenants: { ${TENANTS.map((tenant) => `${tenant}: {}`).join(", ")} }
`;
}

/** Where the store is not what the facts come to, in words. */
async function differences(definitions: Definitions, expected: ReadonlyMap<string, Fact>): Promise<readonly string[]> {
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  const wrong: string[] = [];
  const missing = new Set(expected.keys());
  for (const tenant of TENANTS) {
    for await (const { view, entityKey, row } of store.scan(
      { tenant },
      { tenant, deadline: performance.now() + WAIT_MS },
    )) {
      const owner = ownerOf(tenant, view, Number(entityKey));
      missing.delete(owner);
      const fact = expected.get(owner);
      const held = row && [
        row.eventTime / 1_000,
        (row.createdTime ?? Number.NaN) / 1_000,
        ...(row.values ?? ["deleted"]),
      ];
      const wanted = fact && [fact.event, fact.created, ...valuesOf(fact)];
      if (String(held) !== String(wanted)) wrong.push(`${owner} holds ${held}, not ${wanted}`);
    }
  }
  return [...wrong, ...[...missing].map((owner) => `${owner} is missing`)];
}

function valuesOf({ deleted, tenant, customer, n }: Fact): readonly (bigint | string)[] {
  return deleted ? ["deleted"] : [BigInt(n), noteOf(tenant, customer, n)];
}
