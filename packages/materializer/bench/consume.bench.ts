// Records per second of each client behind the port, on one broker, by turns: `node --conditions=@larder/source bench/consume.bench.ts [records]`.
import { randomUUID } from "node:crypto";
import type { StreamConfig } from "@larder/schema";
import { startKafka } from "@larder/testkit";
import { openEventSource } from "../src/stream/open-stream.ts";

const count = Number(process.argv[2] ?? 200_000);
const CLIENTS = ["kafkajs", "platformatic"] as const;
const ROUNDS = 5;

await using kafka = await startKafka();
const topic = "bench";
await kafka.createTopic(topic, { partitions: 4 });
const records = Array.from({ length: count }, (_, i) => ({
  key: `user_${i % 50_000}`,
  value: JSON.stringify({
    user: i % 50_000,
    event_time: 1_700_000_000_000 + i,
    amount: i * 1.25,
    country: "DE",
    clicks: i % 17,
  }),
}));
await kafka.produce(topic, records);

const rates = new Map<string, number[]>(CLIENTS.map((client) => [client, []]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const client of round % 2 === 0 ? CLIENTS : CLIENTS.toReversed()) {
    const { rate, cpuMs } = await consumeAll(client);
    // The first round warms up broker and compiler.
    if (round > 0) rates.get(client)?.push(rate);
    console.log(
      `round ${round}  ${client.padEnd(12)} ${Math.round(rate / 1000)}k records/s, ${Math.round(cpuMs)} ms CPU`,
    );
  }
}
for (const [client, of] of rates) {
  const sorted = of.toSorted((a, b) => a - b);
  console.log(
    `${client}: median ${Math.round((sorted[Math.floor(sorted.length / 2)] ?? 0) / 1000)}k records/s of ${ROUNDS}`,
  );
}

/** From the first batch to the last record, each value parsed as JSON; joining the group is not counted. */
async function consumeAll(client: StreamConfig["client"]): Promise<{ rate: number; cpuMs: number }> {
  const config: StreamConfig = {
    brokers: kafka.brokers,
    groupId: `bench-${randomUUID()}`,
    client,
    clientId: "larder-bench",
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 30_000,
    requestTimeoutMs: 10_000,
    sasl: undefined,
    tls: undefined,
  };
  const abort = new AbortController();
  let seen = 0;
  let sum = 0;
  let started = 0;
  let ended = 0;
  const cpu = process.cpuUsage();
  await using source = await openEventSource(config, [topic]);
  await source.consume(
    {
      onAssigned: () => {
        started = performance.now();
      },
      onRevoked: async () => {},
      onLost: () => {},
      onBatch: async (batch) => {
        for (const { value } of batch.records) sum += JSON.parse(String(value)).clicks;
        seen += batch.records.length;
        if (seen < count) return;
        ended = performance.now();
        abort.abort();
      },
    },
    abort.signal,
  );
  const used = process.cpuUsage(cpu);
  if (sum === 0) throw new Error("nothing was read");
  return { rate: (count / (ended - started)) * 1000, cpuMs: (used.user + used.system) / 1000 };
}
