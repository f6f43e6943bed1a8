// What a tenant's callers wait while another sends ten times its rate, against while that one keeps to it: `larder serve` as its own process, in turns of
// one run. `npm run bench:fairness`; figures go to reports/fairness.json. LARDER_BENCH=quick takes a fifth of the rounds.

import { judge, median, percentile, printTable, writeReport } from "@larder/testkit/bench";
import { createHttpLoad, type Latencies, startPacer } from "@larder/testkit/load";
import { predictions } from "./serving/requests.ts";
import { cpuOf, openWorld } from "./serving/world.ts";

const ROUNDS = process.env["LARDER_BENCH"] === "quick" ? 4 : 20;
const MS = 2_000;
/** Of the tenant that is looked at, which has no limit of its own. */
const CALM_RATE = 200;
/** What the other tenant may send, and what it sends. */
const LIMIT = 100;
const TIMES = 10;
/** Of one's p99 while the other keeps to its rate. */
const WANTED = 1.2;
const WARM_UP_MS = 3_000;

await using world = await openWorld({ tenants: { loud: `{ requests_per_second: ${LIMIT} }` } });
await using calmPacer = startPacer();
await using loudPacer = startPacer();
const calm = createHttpLoad(world.larder.port, calmPacer);
const loud = createHttpLoad(world.larder.port, loudPacer);
const calmly = predictions(1).requests;
const loudly = predictions(1, "loud").requests;

interface Turn {
  readonly calm: Latencies;
  readonly loud: Latencies;
  /** The server's, of a core. */
  readonly busy: number;
}

async function turn(loudRate: number): Promise<Turn> {
  const started = performance.now();
  const before = cpuOf(world.larder.pid);
  const [calmAnswers, loudAnswers] = await Promise.all([
    calm.atRate(calmly, CALM_RATE, MS),
    loud.atRate(loudly, loudRate, MS),
  ]);
  const busy = (cpuOf(world.larder.pid) - before) / 1000 / (performance.now() - started);
  return { calm: calmAnswers, loud: loudAnswers, busy };
}

await calm.asFastAsAnswered(calmly, 8, WARM_UP_MS);
await turn(LIMIT * TIMES);
const kept: Turn[] = [];
const over: Turn[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const order = round % 2 === 0 ? [kept, over] : [over, kept];
  for (const turns of order) turns.push(await turn(turns === kept ? LIMIT : LIMIT * TIMES));
}

console.log(`\n${world.machine}\n`);
const seconds = MS / 1000;
console.log(
  `One tenant at ${CALM_RATE}/s, ${ROUNDS} rounds of ${seconds} s in turn; another of ${LIMIT}/s beside it\n`,
);
const rows = [
  ["keeps to its rate", kept],
  [`sends ${TIMES} times its rate`, over],
] as const;
const described = rows.map(([name, turns]) => ({ name, ...describe(turns) }));
printTable(
  ["the other", "p50 ms", "p99 ms", "not 200", "sent late by, p99 ms", "the other's 200/s", "429/s", "server's CPU, %"],
  described.map(({ name, p50, p99, failures, late, taken, refused, busy }) => [
    ...[name, p50, p99, failures, late, taken, refused, 100 * busy],
  ]),
);
const ratios = kept.map((turn, round) => p99Of(over[round] as Turn) / p99Of(turn));
const spread = [0.25, 0.75].map((share) => percentile(ratios, share));
console.log(
  `p99 of a round, as a multiple of its neighbour's: a quarter below ${spread[0]?.toFixed(2)}, a quarter above ${spread[1]?.toFixed(2)}\n`,
);
const measured = median(ratios);
const goal = `p99 beside a tenant at ${TIMES} times its rate, as a multiple of p99 beside one that keeps to it`;
judge([{ goal, measured, wanted: `at most ${WANTED}`, met: measured <= WANTED }]);
writeReport(import.meta.dirname, "fairness", { machine: world.machine, described, ratios, measured });

function p99Of({ calm: { times } }: Turn): number {
  return percentile(times, 0.99);
}

function describe(turns: readonly Turn[]) {
  const times = turns.flatMap((turn) => turn.calm.times);
  const sum = (value: (turn: Turn) => number) => turns.reduce((total, turn) => total + value(turn), 0);
  const perSecond = 1 / (seconds * turns.length);
  return {
    p50: median(times),
    p99: percentile(times, 0.99),
    failures: sum((turn) => turn.calm.failures),
    late: percentile(
      turns.flatMap((turn) => turn.calm.lags),
      0.99,
    ),
    taken: sum((turn) => turn.loud.times.length) * perSecond,
    refused: sum((turn) => turn.loud.failures) * perSecond,
    busy: sum((turn) => turn.busy) / turns.length,
  };
}
