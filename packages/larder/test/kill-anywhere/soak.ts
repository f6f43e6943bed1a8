// Kills syncs, broker and store for as long as it is told, one run after the other: `npm run soak [-- --minutes 10]`. Each run has a seed of its own,
// printed; LARDER_SEED sets the first. Ends with 1 when a row was lost or read going backwards.
import { parseArgs } from "node:util";
import { seededRandom, startKafka, startRedis, testSeed } from "@larder/testkit";
import { describeRun } from "./describe-run.ts";
import { KEEPING, killAnywhere } from "./run.ts";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes is "${values.minutes}". Give a number above 0.`);
const end = performance.now() + minutes * 60_000;
/** Rounds of all faults that one run has, and so one history. */
const ROUNDS = 4;

await using kafka = await startKafka();
await using redis = await startRedis({ args: KEEPING });
const first = testSeed();
const total = {
  runs: 0,
  seconds: 0,
  faults: 0,
  facts: 0,
  records: 0,
  duplicates: 0,
  sentAgain: 0,
  judged: 0,
  broken: 0,
};
for (let run = 0; performance.now() < end; run++) {
  const random = seededRandom((first + run) % 2 ** 31);
  const client = run % 2 === 0 ? "platformatic" : "kafkajs";
  const more = (rounds: number) => rounds < ROUNDS && performance.now() < end;
  const result = await killAnywhere({ kafka, redis, random, client, group: `soak-${run}`, more });
  const isProved = result.duplicates > result.sentAgain;
  console.log(`seed ${random.seed}, ${client}: ${describeRun(result)}${isProved ? "" : "; NOTHING WAS READ TWICE"}`);
  for (const what of result.broken) console.error(`BROKEN: ${what}`);
  total.runs++;
  total.broken += result.broken.length + (isProved ? 0 : 1);
  for (const key of ["seconds", "faults", "facts", "records", "duplicates", "sentAgain", "judged"] as const) {
    total[key] += result[key];
  }
}
console.log(JSON.stringify({ ...total, seconds: Math.round(total.seconds) }));
if (total.broken > 0) process.exitCode = 1;
