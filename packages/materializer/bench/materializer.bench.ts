// `larder sync` beside what it is made of, on one broker and one store, in turns: the client that only reads, and the same rows written by hand.
// `npm run bench:materializer`; figures go to reports/materializer.json. LARDER_BENCH=quick takes a fifth of it.

import { judge, median, percentile, printTable, writeReport } from "@larder/testkit/bench";
import { consumeOnly, syncAll, type Turn, writeByHand } from "./materializer/contenders.ts";
import { underLoad } from "./materializer/half-load.ts";
import { CLIENTS, openWorld } from "./materializer/world.ts";

/** Of the slower of reading and writing; and from append to readable, in milliseconds, at half of what the sync can do. */
const GOALS = { share: 0.6, readableMs: 250 };

const QUICK = process.env["LARDER_BENCH"] === "quick";
const RECORDS = QUICK ? 100_000 : 300_000;
const ROUNDS = QUICK ? 2 : 5;
const LOAD_SECONDS = QUICK ? 5 : 20;

await using world = await openWorld(RECORDS);
const turns = new Map<string, Turn[]>();
const contenders = [
  ["by hand: the script, 100 rows a batch", () => writeByHand(world, RECORDS)] as const,
  ...CLIENTS.map((client) => [`${client}: read only`, () => consumeOnly(world, client, RECORDS)] as const),
  ...CLIENTS.map((client) => [`${client}: sync`, () => syncAll(world, client, RECORDS)] as const),
];
// The first round warms up broker, store and compiler.
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, run] of round % 2 === 0 ? contenders : contenders.toReversed()) {
    const turn = await run();
    if (round > 0) turns.set(name, [...(turns.get(name) ?? []), turn]);
  }
}
const figures = new Map(
  [...turns].map(([name, of]) => {
    const middle = (key: keyof Turn) => median(of.map((turn) => turn[key]));
    return [name, { perSecond: middle("perSecond"), cpuUs: middle("cpuUs"), storeCpuUs: middle("storeCpuUs") }];
  }),
);
const rateOf = (name: string) => figures.get(name)?.perSecond ?? Number.NaN;
const shares = CLIENTS.map((client) => {
  const floor = Math.min(rateOf("by hand: the script, 100 rows a batch"), rateOf(`${client}: read only`));
  return { client, share: rateOf(`${client}: sync`) / floor };
});

console.log(`\n${world.machine}\n`);
console.log(
  `${RECORDS} records of about 150 bytes in 4 partitions, one process: medians of ${ROUNDS} rounds in turn\n`,
);
printTable(
  ["", "records/s", "CPU us/record", "store's CPU us/record"],
  [...figures].map(([name, { perSecond, cpuUs, storeCpuUs }]) => [name, perSecond, cpuUs, storeCpuUs]),
);

const loads = [];
for (const client of CLIENTS) {
  const { latencies, unread, perSecond } = await underLoad(world, client, rateOf(`${client}: sync`) / 2, LOAD_SECONDS);
  const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)];
  loads.push({ client, perSecond, probes: latencies.length, unread, p50, p99, longest: Math.max(...latencies) });
}
console.log("At half of its own rate, from the call that appends a probe until the store answers it, milliseconds\n");
printTable(
  ["sync", "records/s", "probes", "never readable", "p50", "p99", "longest"],
  loads.map(({ client, perSecond, probes, unread, p50, p99, longest }) => [
    client,
    perSecond,
    probes,
    unread,
    p50,
    p99,
    longest,
  ]),
);

const goals = [
  ...shares.map(({ client, share }) => ({
    goal: `${client}: sync, share of the slower of reading and writing`,
    measured: share,
    wanted: `at least ${GOALS.share}`,
    met: share >= GOALS.share,
  })),
  ...loads.map(({ client, p99, unread }) => ({
    goal: `${client}: append to readable at half load, p99 in ms`,
    measured: unread > 0 ? Number.POSITIVE_INFINITY : p99,
    wanted: `at most ${GOALS.readableMs}`,
    met: unread === 0 && p99 <= GOALS.readableMs,
  })),
];
writeReport(import.meta.dirname, "materializer", {
  machine: world.machine,
  records: RECORDS,
  rounds: ROUNDS,
  figures: Object.fromEntries(figures),
  loads,
  goals,
});
judge(goals);
