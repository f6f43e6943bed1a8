// How long past their deadline callers wait while Redis hangs: `larder serve` as its own process under load, Redis stopped by SIGSTOP in the midst of it.
// `npm run bench:deadline`; figures go to reports/deadline.json. LARDER_BENCH=quick takes a fifth of the rounds.

import { judge, median, percentile, printTable, writeReport } from "@larder/testkit/bench";
import { createHttpLoad, startPacer } from "@larder/testkit/load";
import { features, predictions } from "./serving/requests.ts";
import { openWorld } from "./serving/world.ts";

const ROUNDS = process.env["LARDER_BENCH"] === "quick" ? 4 : 20;
const DEADLINE_MS = 50;
/** Longest that an answer may come after its deadline, p99. */
const WANTED_MS = 10;
const RATE = 200;
/** Redis hangs for as long; answers to the first requests are due within the deadline, later ones come from the open breaker. */
const MS = 500;
const WARM_UP_MS = 3_000;
/** Longest that a server takes to ask Redis again once that answers. */
const BACK_MS = 10_000;

await using world = await openWorld({
  deadline: `${DEADLINE_MS}ms`,
  onStoreFailure: "{ policy: defaults }",
});
await using pacer = startPacer();
const load = createHttpLoad(world.larder.port, pacer);
const kinds = [predictions(1), features(1)];
for (const { requests } of kinds) await load.asFastAsAnswered(requests, 8, WARM_UP_MS);

const found = [];
for (const { name, requests } of kinds) {
  const calm: number[] = [];
  const hung: number[] = [];
  const lags: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await untilBack(requests);
    calm.push(...(await load.atRate(requests, RATE, MS)).answered);
    process.kill(world.redisPid, "SIGSTOP");
    try {
      const answers = await load.atRate(requests, RATE, MS);
      hung.push(...answers.answered);
      lags.push(...answers.lags);
    } finally {
      process.kill(world.redisPid, "SIGCONT");
    }
  }
  // Those that the breaker answers at once would hide the others.
  const waited = hung.filter((ms) => ms >= DEADLINE_MS / 2);
  const overrun = waited.map((ms) => Math.max(0, ms - DEADLINE_MS));
  found.push({
    ...{ name, calmP99: percentile(calm, 0.99), answers: hung.length, waited: waited.length },
    ...{ p50: median(overrun), p99: percentile(overrun, 0.99), longest: Math.max(...overrun) },
    late: percentile(lags, 0.99),
    p99OfAll: percentile(
      hung.map((ms) => Math.max(0, ms - DEADLINE_MS)),
      0.99,
    ),
  });
}

console.log(`\n${world.machine}\n`);
console.log(`Deadline ${DEADLINE_MS} ms, ${RATE}/s, Redis hung ${ROUNDS} times for ${MS} ms; milliseconds\n`);
printTable(
  [
    "request",
    "p99, Redis well",
    "answers, Redis hung",
    "that waited for it",
    "past the deadline: p50",
    "p99",
    "most",
    "p99 of all answers",
    "sent late by, p99",
  ],
  found.map(({ name, calmP99, answers, waited, p50, p99, longest, p99OfAll, late }) => [
    ...[name, calmP99, answers, waited, p50, p99, longest, p99OfAll, late],
  ]),
);
const goals = found.map(({ name, p99 }) => ({
  goal: `${name}: ms past the deadline, p99 of those that waited for Redis`,
  measured: p99,
  wanted: `at most ${WANTED_MS}`,
  met: p99 <= WANTED_MS,
}));
judge(goals);
writeReport(import.meta.dirname, "deadline", { machine: world.machine, found, goals });

/** The breaker lets a request through from time to time; once one is answered by Redis, all are. */
async function untilBack(requests: readonly Buffer[]): Promise<void> {
  const end = performance.now() + BACK_MS;
  while (performance.now() < end) {
    const { heads } = await load.atRate(requests, RATE, 100);
    if (heads.length > 0 && heads.every((head) => head.startsWith("HTTP/1.1 200") && !/x-larder-degraded/i.test(head)))
      return;
  }
  throw new Error("Redis answers again, and the server does not ask it");
}
