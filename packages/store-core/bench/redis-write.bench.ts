// Writes of rows of 10 float32 features to Redis, side by side: Larder's OnlineStore, the same script called by hand, and plain pipelined HSETs that
// keep no rule. `pnpm bench:redis`; figures go to reports/redis-write.json.
import { findView } from "@larder/schema";
import { judge, printTable, writeReport } from "@larder/testkit/bench";
import { rowKey, tenantPrefix, viewField } from "../src/stores/redis/redis-keys.ts";
import { putRows } from "../src/stores/redis/scripts.ts";
import { type Contender, type Figures, measure } from "./measure.ts";
import { EVENT_TIME, featureValue, fill, openRedisWorld } from "./redis-world.ts";

const CUSTOMERS = 20_000;
const BATCH = 100;
const ROUNDS = 40;
/** Batches on their way at once. */
const CALLERS = 4;
const EXPIRING = { views: 1, features: 10, ttl: "30d" };
const LASTING = { ...EXPIRING, ttl: "0s" };

/** Against plain pipelined HSETs of ioredis: at most so much server CPU, and so much of both sides' CPU. */
const MOST = { serverCpu: 2.5, bothCpu: 0.5 };
const LEAST_ROWS_PER_CORE = 300_000;
/** A script's time that nearly all runs stay within: readers wait behind it. Milliseconds. */
const LONGEST_MS = 1;

await using world = await openRedisWorld();
const machine = await world.machine();
const { redis } = world;
const expiring = await world.open(EXPIRING);
await using _first = expiring.store;
const lasting = await world.open(LASTING);
await using _second = lasting.store;

const prefix = tenantPrefix("bench", "default");
const field = viewField("v0");
const customersAt = (turn: number) => Array.from({ length: BATCH }, (_, i) => (turn * BATCH + i * 7) % CUSTOMERS);
/** What the others have ready, too: keys and values of every customer. */
const ready = Array.from({ length: CUSTOMERS }, (_, customer) => ({
  entityKey: [BigInt(customer)],
  values: Array.from({ length: 10 }, (_, i) => featureValue(customer, 0, i)),
}));
/** Later at every turn of all contenders, so that every row is applied. */
let clock = EVENT_TIME;
const later = () => ++clock;

await fill(expiring, EXPIRING, CUSTOMERS);
const sample = (await redis.hgetBuffer(rowKey(prefix, "1"), field)) as Buffer;
/** A packed row with another event time in its first seven bytes; the sign bit is flipped, so that bytes sort as times do. */
const packed = (eventTime: number) => {
  const bytes = Buffer.from(sample);
  bytes.writeUIntBE(Math.floor(eventTime / 256) + 2 ** 47, 0, 6);
  bytes[6] = eventTime % 256;
  return bytes;
};
const expiry = Math.round(EVENT_TIME / 1000) + 30 * 86_400_000;

const larder = (name: string, { store, definitions }: typeof expiring): Contender => {
  const view = findView(definitions, "v0");
  return {
    name,
    call: async (turn) => {
      const eventTime = later();
      const rows = customersAt(turn).map((customer) => {
        const { entityKey, values } = ready[customer] as (typeof ready)[number];
        return { entityKey, eventTime, createdTime: eventTime, values };
      });
      const { applied } = await store.write(view, rows, { tenant: "default" });
      if (applied !== BATCH) throw new Error(`${name} applied ${applied} of ${BATCH} rows`);
    },
  };
};
const byScript = (name: string, goes: number): Contender => ({
  name,
  call: async (turn) => {
    const row = packed(later());
    const expiries = Buffer.alloc(BATCH * 8);
    for (let i = 0; i < BATCH; i++) expiries.writeDoubleBE(goes, i * 8);
    const keys = customersAt(turn).map((customer) => rowKey(prefix, String(customer)));
    const args = Array.from({ length: BATCH }, () => row);
    const reply = await redis.evalsha(putRows.sha, BATCH, ...keys, field, expiries, ...args);
    if (reply !== "a".repeat(BATCH)) throw new Error(`${name}: ${String(reply)}`);
  },
});
const hsets = (name: string, goes: number | undefined): Contender => ({
  name,
  call: async (turn) => {
    const row = packed(later());
    const pipeline = redis.pipeline();
    for (const customer of customersAt(turn)) {
      const key = rowKey(prefix, String(customer));
      pipeline.hset(key, field, row);
      if (goes !== undefined) pipeline.pexpireat(key, goes, "GT");
    }
    await pipeline.exec();
  },
});

// Keys without expiry first: a key that once had one keeps the sibling's, and a PERSIST of each row would be measured.
const options = { rounds: ROUNDS, milliseconds: 50, callers: CALLERS, serverCpu: world.serverCpu };
await redis.flushall("SYNC");
await fill(lasting, LASTING, CUSTOMERS);
const withoutExpiry = await measure(
  [
    larder("Larder", lasting),
    byScript("by hand: same script", Number.POSITIVE_INFINITY),
    hsets("plain HSET", undefined),
  ],
  options,
);
await redis.flushall("SYNC");
await fill(expiring, EXPIRING, CUSTOMERS);
await redis.config("RESETSTAT");
const withExpiry = await measure([larder("Larder", expiring)], options);
const histogram = (await redis.call("LATENCY", "HISTOGRAM", "evalsha")) as unknown[];
const scripts = bucketsOf(histogram);
withExpiry.push(
  ...(await measure([byScript("by hand: same script", expiry), hsets("plain HSET + PEXPIREAT", expiry)], options)),
);

console.log(`\nBatches of ${BATCH} rows of 10 float32 features, ${CALLERS} at once, every row applied`);
console.log(`${machine}; ${ROUNDS} rounds\n`);
const tables = { "no expiry": withoutExpiry, expiring: withExpiry };
printTable(
  ["writer", "rows/s", "client CPU us/row", "server CPU us/row", "rows/s per Redis core"],
  Object.entries(tables).flatMap(([kind, figures]) =>
    figures.map(({ name, callsPerSecond, clientCpu, serverCpu }) => [
      `${kind}: ${name}`,
      callsPerSecond * BATCH,
      clientCpu / BATCH,
      serverCpu / BATCH,
      (BATCH * 1e6) / serverCpu,
    ]),
  ),
);
const within = scripts.filter(({ atMostMs }) => atMostMs <= 1.1 * LONGEST_MS).at(-1)?.count ?? 0;
const runs = scripts.at(-1)?.count ?? 0;
const share = within / runs;
const goals = [
  ...Object.entries(tables).flatMap(([kind, [own, , plain]]) => ratios(kind, own as Figures, plain as Figures)),
  {
    goal: "expiring: rows/s per Redis core",
    measured: (BATCH * 1e6) / (withExpiry[0]?.serverCpu ?? Number.NaN),
    wanted: `at least ${LEAST_ROWS_PER_CORE}`,
    met: (BATCH * 1e6) / (withExpiry[0]?.serverCpu ?? Number.NaN) >= LEAST_ROWS_PER_CORE,
  },
  {
    goal: `share of ${runs} scripts that took at most ${LONGEST_MS} ms`,
    measured: share,
    wanted: "at least 0.999",
    met: share >= 0.999,
  },
];
writeReport(import.meta.dirname, "redis-write", {
  machine,
  rounds: ROUNDS,
  callers: CALLERS,
  batch: BATCH,
  tables,
  scripts,
  goals,
});
judge(goals);

function ratios(kind: string, own: Figures, plain: Figures) {
  const server = own.serverCpu / plain.serverCpu;
  const both = (own.serverCpu + own.clientCpu) / (plain.serverCpu + plain.clientCpu);
  return [
    {
      goal: `${kind}: server CPU, against plain pipelined HSETs`,
      measured: server,
      wanted: `at most ${MOST.serverCpu}`,
      met: server <= MOST.serverCpu,
    },
    {
      goal: `${kind}: CPU of both sides, against plain pipelined HSETs`,
      measured: both,
      wanted: `at most ${MOST.bothCpu}`,
      met: both <= MOST.bothCpu,
    },
  ];
}

/** Runs of at most so many milliseconds, counted up, of a reply of LATENCY HISTOGRAM; a bucket ends at a power of two nanoseconds. */
function bucketsOf(reply: unknown[]): { readonly atMostMs: number; readonly count: number }[] {
  const [, found] = reply as [string, unknown[] | undefined];
  const pairs = (found?.[3] ?? []) as number[];
  return Array.from({ length: pairs.length / 2 }, (_, i) => ({
    atMostMs: Number(pairs[2 * i]) / 1000,
    count: Number(pairs[2 * i + 1]),
  }));
}
