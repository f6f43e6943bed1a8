import { loadDefinitions, systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { type ChildHandle, startKafka, startProcess, startRedis, startTcpProxy, until } from "@larder/testkit";
import { expect, test } from "vitest";
import { createProject, LARDER, type Project } from "./project.ts";

const WAIT = 60_000;
const START = Date.parse("2025-06-01T00:00:00Z");
const TOPIC = "zombie";

interface StatusBody {
  readonly partitions: readonly { readonly in_flight: { readonly records: number } }[];
}

async function startSync(project: Project, file: string): Promise<{ child: ChildHandle; url: string }> {
  const args = [...LARDER, "sync", "--port", "0", "--json", "-f", file];
  const child = await startProcess(process.execPath, args, { cwd: project.folder, env: { INIT_CWD: undefined } });
  return { child, ...(JSON.parse(await child.waitForLine(/^\{"url"/, WAIT)) as { url: string }) };
}

test("a process that slept longer than its session, with an old row on its way, wakes up and moves neither the value nor the offset back", async () => {
  await using kafka = await startKafka();
  await using redis = await startRedis();
  await using road = await startTcpProxy(redis);
  await kafka.createTopic(TOPIC, { partitions: 1 });
  await kafka.createTopic(`${TOPIC}.dead-letter`, { partitions: 1 });
  const yaml = (place: string) => `project: zombie
online_store: { type: redis, connection_string: "${place}", deadline: 5s, write_deadline: 30s }
stream: { type: kafka, brokers: ${JSON.stringify(kafka.brokers)}, group_id: ${TOPIC}, session_timeout: 1s, rebalance_timeout: 2s }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - name: scores
    entity: customer
    features: [{ name: score, type: float64 }]
    stream: { topic: ${TOPIC} }
`;
  await using project = await createProject(yaml(redis.connectionString));
  await project.write("zombie.yaml", yaml(road.connectionString));
  const record = (score: number) => ({
    value: JSON.stringify({ customer_id: 1, score, event_timestamp: new Date(START + score * 1_000).toISOString() }),
  });
  const definitions = await loadDefinitions(project.path("feature_store.yaml"), { env: {} });
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  const scores = async () => {
    const found: unknown[] = [];
    for await (const { row } of store.scan({ tenant: "default" }, { tenant: "default" })) found.push(row?.values?.[0]);
    return found;
  };
  const { child: zombie, url } = await startSync(project, "zombie.yaml");
  await using _zombie = zombie;
  await kafka.produce(TOPIC, [record(1)]);
  await until(WAIT, "the first is committed", async () => (await kafka.committed(TOPIC, TOPIC))[0] === 1n);

  road.hang();
  await kafka.produce(TOPIC, [record(2)]);
  await until(WAIT, "the old row is on its way", async () => {
    const { partitions } = (await (await fetch(`${url}/status`)).json()) as StatusBody;
    return partitions.some(({ in_flight }) => in_flight.records > 0);
  });
  zombie.signal("SIGSTOP");
  const { child: heir } = await startSync(project, "feature_store.yaml");
  await using _heir = heir;
  await kafka.produce(TOPIC, [record(3)]);
  await until(WAIT, "the heir has committed all", async () => (await kafka.committed(TOPIC, TOPIC))[0] === 3n);
  expect(await scores()).toEqual([3]);

  road.resume(); // the old row arrives
  zombie.signal("SIGCONT");
  await until(WAIT, "it knows that it was thrown out, and is a member again", async () => {
    return /"lost".*"assigned"/s.test(zombie.stderr);
  });
  expect(await kafka.committed(TOPIC, TOPIC)).toEqual([3n]);
  expect(await scores()).toEqual([3]);
  await kafka.produce(TOPIC, [record(4)]);
  await until(WAIT, "what comes after is committed", async () => (await kafka.committed(TOPIC, TOPIC))[0] === 4n);
  expect(await scores()).toEqual([4]);
});
