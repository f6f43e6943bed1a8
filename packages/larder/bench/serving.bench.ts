// `larder serve` beside the same thing written by hand (floors/serving.mjs: Fastify, ioredis and ONNX Runtime), on the same model, values and Redis,
// in turns of one run. `npm run bench:serving`; figures go to reports/serving.json. LARDER_BENCH=quick takes a fifth of the rounds.
import { judge, median, percentile, printTable, writeReport } from "@larder/testkit/bench";
import { features, predictions } from "./serving/requests.ts";
import { type AtRate, startTurns, type Throughput } from "./serving/turns.ts";
import { openWorld } from "./serving/world.ts";

/** Of Larder against the floor. */
const GOALS = { throughput: 0.8, p99: 1.5, ownMs: 0.4 };
const GOAL_RATE = 1_000;
/** Where own time is looked at: nobody waits behind another. */
const CALM_RATE = 500;

const QUICK = process.env["LARDER_BENCH"] === "quick";
const CALLERS = 16;
const FAST = { rounds: QUICK ? 5 : 25, milliseconds: 250 };
/** Requests of each kind before it is measured. */
const WARM_UP = QUICK ? 1_000 : 5_000;
const STEADY = { rounds: QUICK ? 1 : 5, milliseconds: 1_000 };
const RATES = [CALM_RATE, GOAL_RATE, 2_000, 4_000];
/** A rate is held where this share of the requests that were due were answered 200. */
const HELD = 0.97;

const PREDICT = [1, 100].map((rows) => predictions(rows));
const FEATURES = [1, 10, 100].map(features);

await using world = await openWorld();
await using turns = startTurns(world);
const fast: Throughput[] = [];
const steady: AtRate[] = [];
for (const kind of [...PREDICT, ...FEATURES]) {
  await turns.warmUp(kind, CALLERS, WARM_UP);
  fast.push(...(await turns.throughput(kind, CALLERS, FAST)));
}
for (const kind of PREDICT) for (const rate of RATES) steady.push(...(await turns.atRate(kind, rate, STEADY)));

console.log(`\n${world.machine}\n`);
console.log(`As fast as answered: ${CALLERS} callers, ${FAST.rounds} rounds of ${FAST.milliseconds} ms in turn\n`);
printTable(
  ["server: request", "requests/s", "failed", "server CPU us", "Redis CPU us", "load's CPU us"],
  fast.map(({ server, kind, perSecond, failures, cpu }) => [
    `${server}: ${kind}`,
    ...[median(perSecond), failures, cpu.server, cpu.redis, cpu.load],
  ]),
);
const compared = PREDICT.map(({ name }) =>
  compare(...(fast.filter(({ kind }) => kind === name) as [Throughput, Throughput])),
);
printTable(
  ["Larder, as a share of the floor", "requests/s", "requests per second of the server's CPU"],
  compared.map(({ kind, throughput, cpu }) => [kind, throughput, cpu]),
);

console.log("At fixed rates: milliseconds from when a request was due until its answer was there\n");
const rates = steady.map(describe);
printTable(
  ["server: request, rate", "p50", "p99", "p99.9", "answered, %", "sent late by, p99"],
  rates.map(({ server, kind, rate, answered, p50, p99, p999, late }) => [
    `${server}: ${kind}, ${rate}/s${answered < HELD ? " (not held)" : ""}`,
    ...[p50, p99, p999, 100 * answered, late],
  ]),
);
const own = ownTime(atRate(world.larder.name, CALM_RATE));
printTable(
  [`p50 in ms, 1 row, ${CALM_RATE}/s`, "whole", "store", "model", "rest", "of the rest, in the server"],
  [["Larder: predict", own.whole, own.store, own.model, own.rest, own.inServer]],
);

const tail = p99At(world.larder.name) / p99At(world.floor.name);
const goals = [
  ...compared.map(({ kind, throughput }) => ({
    goal: `${kind}: share of the floor's requests/s`,
    measured: throughput,
    wanted: `at least ${GOALS.throughput}`,
    met: throughput >= GOALS.throughput,
  })),
  {
    goal: `predict, 1 row: p99 at ${GOAL_RATE}/s, as a multiple of the floor's`,
    measured: tail,
    wanted: `at most ${GOALS.p99}`,
    met: tail <= GOALS.p99,
  },
  {
    goal: "predict, 1 row: p50 without store and model, ms",
    measured: own.rest,
    wanted: `under ${GOALS.ownMs}`,
    met: own.rest < GOALS.ownMs,
  },
];
judge(goals);
writeReport(import.meta.dirname, "serving", {
  machine: world.machine,
  callers: CALLERS,
  fast,
  compared,
  rates,
  own,
  goals,
});

/** By the median of rounds, in each of which both had their turn within half a second. */
function compare(floor: Throughput, larder: Throughput) {
  const ratios = larder.perSecond.map((own, round) => own / (floor.perSecond[round] ?? Number.NaN));
  return { kind: larder.kind, throughput: median(ratios), cpu: floor.cpu.server / larder.cpu.server };
}

function describe({ kind, server, rate, rounds }: AtRate) {
  const times = rounds.flatMap((round) => round.times);
  const at = (share: number) => percentile(times, share);
  return {
    ...{ kind, server, rate, p50: at(0.5), p99: at(0.99), p999: at(0.999) },
    answered: times.length / rounds.reduce((sum, { due }) => sum + due, 0),
    failures: rounds.reduce((sum, { failures }) => sum + failures, 0),
    late: percentile(
      rounds.flatMap(({ lags }) => lags),
      0.99,
    ),
    p99OfRounds: rounds.map(({ times }) => percentile(times, 0.99)),
  };
}

function atRate(name: string, wanted: number): AtRate {
  return steady.find(
    ({ kind, rate, server }) => kind === PREDICT[0]?.name && rate === wanted && server === name,
  ) as AtRate;
}

/** The median of rounds: one round that something else disturbed does not decide. */
function p99At(name: string): number {
  return median(describe(atRate(name, GOAL_RATE)).p99OfRounds);
}

/**
 * Medians in milliseconds. `rest` is what neither the store nor the model took of what the caller waited: Node's HTTP, both sides' sockets and the
 * load's own part are in it. Of that the server sees its own part only.
 */
function ownTime({ rounds }: AtRate) {
  const spans = rounds.flatMap(({ heads }) =>
    heads.map((head) => ["store", "model", "total"].map((name) => span(head, name))),
  );
  const middle = (value: (span: readonly number[]) => number) => median(spans.map(value));
  const whole = median(rounds.flatMap(({ times }) => times));
  const store = middle(([store]) => store ?? Number.NaN);
  const model = middle(([, model]) => model ?? Number.NaN);
  const inServer = middle(([store = 0, model = 0, total = Number.NaN]) => total - store - model);
  return { whole, store, model, rest: whole - store - model, inServer };
}

/** Of the `server-timing` header. */
function span(head: string, name: string): number {
  return Number(new RegExp(`${name};dur=([\\d.]+)`).exec(head)?.[1]);
}
