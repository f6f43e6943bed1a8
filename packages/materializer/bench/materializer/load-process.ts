// Appends records at a fixed rate, and probes among them: `node load-process.ts '{"brokers":…}'` prints a LoadReport as one line.
import { setTimeout as wait } from "node:timers/promises";
import { findFeature, parseDefinitions, systemClock } from "@larder/schema";
import { createReadPlan, encodeEntityRows, openOnlineStore } from "@larder/store-core";
import { Producer } from "@platformatic/kafka";
import { CUSTOMERS, LIVE, recordOf, yamlOf } from "./world.ts";

/** What it is told. */
export interface LoadOrder {
  readonly brokers: readonly string[];
  readonly connectionString: string;
  readonly perSecond: number;
  readonly seconds: number;
}

/** What it found. */
export interface LoadReport {
  /** Milliseconds, of each probe that could be read. */
  readonly latencies: readonly number[];
  /** Probes that could not be read within the time that was left. */
  readonly unread: number;
  /** What was sent, which may be less than was ordered where the machine is slow. */
  readonly perSecond: number;
}

const TICK_MS = 10;
/** Ticks from one probe to the next. */
const PROBE_EVERY = 2;
const PATIENCE_MS = 10_000;

const order = JSON.parse(process.argv[2] ?? "") as LoadOrder;
const text = yamlOf({ ...order, client: "platformatic", topic: LIVE, group: "load" });
const definitions = parseDefinitions(text, { file: "/bench/feature_store.yaml", env: {} });
const store = await openOnlineStore(definitions, { clock: systemClock });
const plan = createReadPlan(definitions, [findFeature(definitions, "churn:orders")], { fullFeatureNames: false });
const producer = new Producer({ clientId: "bench-load", bootstrapBrokers: [...order.brokers] });

/** Probes that are on their way: a customer of its own, and when its append was called. */
const waiting = new Map<number, number>();
const latencies: number[] = [];
let ended = false;
const reading = (async () => {
  const end = performance.now() + order.seconds * 1_000 + PATIENCE_MS;
  while (!(ended && waiting.size === 0) && performance.now() < end) {
    const customers = [...waiting.keys()];
    if (customers.length > 0) {
      const keys = encodeEntityRows(
        plan,
        customers.map((customer) => ({ customer_id: customer })),
      );
      const batch = await store.read(plan, keys, { tenant: "default", deadline: performance.now() + 5_000 });
      const at = performance.now();
      for (const [row, customer] of customers.entries()) {
        if (batch.value(row, 0) === null) continue;
        latencies.push(at - (waiting.get(customer) ?? at));
        waiting.delete(customer);
      }
    }
    await wait(2);
  }
})();

const perTick = Math.max(1, Math.round((order.perSecond * TICK_MS) / 1_000));
const started = performance.now();
const sending: Promise<unknown>[] = [];
let sent = 0;
for (let tick = 0; performance.now() - started < order.seconds * 1_000; tick++) {
  const indices = Array.from({ length: perTick }, (_, i) => sent + i);
  sent += perTick;
  const messages = indices.map((index) => messageOf(recordOf(index)));
  if (tick % PROBE_EVERY === 0) {
    const customer = CUSTOMERS + tick;
    const { value } = recordOf(tick);
    messages.push(
      messageOf({
        key: String(customer),
        value: JSON.stringify({ ...JSON.parse(String(value)), customer_id: customer }),
      }),
    );
    waiting.set(customer, performance.now());
  }
  sending.push(producer.send({ messages, acks: -1 }));
  await wait(Math.max(0, started + (tick + 1) * TICK_MS - performance.now()));
}
const elapsed = performance.now() - started;
await Promise.all(sending);
ended = true;
await reading;
await producer.close();
await store.close();
const report: LoadReport = { latencies, unread: waiting.size, perSecond: (sent / elapsed) * 1_000 };
console.log(JSON.stringify(report));

function messageOf({ key, value }: ReturnType<typeof recordOf>) {
  return { topic: LIVE, key: Buffer.from(key ?? ""), value: Buffer.from(String(value)) };
}
