import { mkdir } from "node:fs/promises";
import { Agent } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { type GoldenRow, readGolden, TOLERANCE } from "../golden.ts";
import { type Answered, percentiles, predict } from "./ask.ts";
import { type Commands, createCommands, EXAMPLE, type Server } from "./command.ts";
import { summaryOf } from "./summary.ts";
import { type Talk, terminalTalk } from "./terminal.ts";

const PORT = 6566;
const WARM_UP = 50;
const REQUESTS = 400;
const SHOWN = 8;

/** A customer whose prediction is known beforehand. */
type Known = GoldenRow & { readonly customerId: number };

/**
 * The main job from the sample to a prediction, step by step. On a terminal the server then stays up until Ctrl-C. Answers the exit code: 1
 * when a step failed, after saying which and why.
 */
export async function runQuickstart(): Promise<0 | 1> {
  const talk = terminalTalk(process.stdout, process.env);
  const interrupted = interruptSignal();
  const commands = createCommands(interrupted);
  let server: Server | undefined;
  try {
    talk.line(talk.bold("\nLarder: from one feature_store.yaml to a churn prediction\n"));
    await fillStore(talk, commands);
    const port = (await isFree(PORT)) ? PORT : 0;
    server = await talk.step(
      "5/6 start the server",
      () => commands.serve(port),
      ({ url }) => url,
    );
    const known = await askGolden(talk, server.url);
    sayNext(talk, server.url, known);
    if (!talk.interactive) return 0;
    talk.line(`\n${talk.bold("The server stays up; Ctrl-C stops it.")}`);
    const crash = await Promise.race([untilAborted(interrupted), server.ended]);
    if (crash === undefined) return 0;
    throw new Error(crash);
  } catch (error) {
    process.stderr.write(`\nquickstart: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await server?.stop(talk.interactive && interrupted.aborted);
  }
}

/** From the sample to a training set and a filled online store. Every step may be repeated. */
async function fillStore(talk: Talk, { script, larder }: Commands): Promise<void> {
  const now = new Date();
  const asOf = isoDay(now.getUTCFullYear(), now.getUTCMonth());
  const yearBefore = isoDay(now.getUTCFullYear() - 1, now.getUTCMonth());
  await talk.step(
    "1/6 generate customer history",
    () => script("generate.ts", "--as-of", asOf),
    (said) => said.trim().split("\n").at(-1) ?? "",
  );
  await talk.step("2/6 validate feature_store.yaml", () => larder("validate"), summaryOf.validate);
  const training = ["--entities", "data/labels.parquet", "--service", "churn_v1", "--out", ".larder/train.parquet"];
  await mkdir(join(EXAMPLE, ".larder"), { recursive: true });
  await talk.step("3/6 build a training set", () => larder("training-set", ...training), summaryOf.trainingSet);
  await talk.step("4/6 fill the online store", () => larder("materialize", yearBefore, asOf), summaryOf.materialize);
}

/** Predicts for every golden customer, checks the answers, then measures single requests. Shows both. */
async function askGolden(talk: Talk, url: string): Promise<readonly Known[]> {
  const golden = await readGolden(join(EXAMPLE, "models", "golden_predictions.json"));
  const known = golden.filter((row): row is Known => row.customerId !== null);
  const ids = known.map((row) => row.customerId);
  const label = `6/6 predict for ${known.length} customers`;
  const [answer, measured] = await talk.step(
    label,
    async () => [await predict(url, ids), await measure(url, ids)] as const,
    () => "done",
  );
  const wrong = known.filter((row, i) => !isClose(answer.predictions[i], row.probability));
  showPredictions(talk, known, answer);
  if (wrong.length > 0) throw new Error(mismatch(wrong, known, answer));
  talk.line(`\n  all ${known.length} equal the golden predictions within ${TOLERANCE}`);
  showPercentiles(talk, measured);
  return known;
}

/** Single requests over one connection, one after the other, after some that nobody counts. */
async function measure(url: string, ids: readonly number[]): Promise<readonly Answered[]> {
  const agent = new Agent({ keepAlive: true });
  const answers: Answered[] = [];
  try {
    for (let i = 0; i < WARM_UP + REQUESTS; i++) {
      const answer = await predict(url, [ids[i % ids.length] ?? 1], agent);
      if (i >= WARM_UP) answers.push(answer);
    }
  } finally {
    agent.destroy();
  }
  return answers;
}

function isClose(prediction: number | undefined, expected: number): boolean {
  return prediction !== undefined && Math.abs(prediction - expected) <= TOLERANCE;
}

function showPredictions(talk: Talk, known: readonly Known[], answer: Answered): void {
  talk.line(`\n  ${talk.bold("customer   P(churn)   expected")}`);
  for (let i = 0; i < SHOWN; i++) {
    const row = known[Math.floor((i * known.length) / SHOWN)];
    const at = row === undefined ? -1 : known.indexOf(row);
    const [id, got, expected] = [row?.customerId, answer.predictions[at], row?.probability];
    talk.line(`  ${String(id).padStart(8)}   ${fixed(got, 6, 8)}   ${fixed(expected, 6, 8)}`);
  }
}

function showPercentiles(talk: Talk, answers: readonly Answered[]): void {
  talk.line(`\n  ${talk.bold(`milliseconds, ${answers.length} single requests      P50     P95     P99`)}`);
  const show = (label: string, of: "store" | "server" | "client"): void => {
    const figures = percentiles(answers.map((answer) => answer[of])).map((value) => fixed(value, 2, 7));
    talk.line(`  ${label.padEnd(34)} ${figures.join(" ")}`);
  };
  show("lookup in the online store", "store");
  show("predict, inside the server", "server");
  show("predict, as this client sees it", "client");
  const repeats = answers.reduce((sum, answer) => sum + answer.repeats, 0);
  if (repeats > 0) talk.line(`  ${repeats} lookups overran their deadline (online_store.deadline) and were repeated`);
}

function fixed(value: number | undefined, digits: number, width: number): string {
  return (value === undefined ? "none" : value.toFixed(digits)).padStart(width);
}

function mismatch(wrong: readonly Known[], known: readonly Known[], answer: Answered): string {
  const [first] = wrong;
  const got = first === undefined ? undefined : answer.predictions[known.indexOf(first)];
  return [
    `${wrong.length} of ${known.length} predictions differ from the golden ones; customer ${first?.customerId}: ${got} instead of ${first?.probability}.`,
    "If newer rows were pushed for these customers, that is right. To start again from the sample:",
    "  npm run -s larder -- reset -f examples/churn/feature_store.yaml --tenant default --yes",
  ].join("\n");
}

function sayNext(talk: Talk, url: string, known: readonly Known[]): void {
  const first = known[0]?.customerId ?? 1;
  const lines = [
    "",
    talk.bold("Next"),
    talk.interactive
      ? "  Ask for one customer, in another terminal:"
      : "  Ask for one customer, while `npm run quickstart` is open in a terminal:",
    `    curl -s ${url}/predict -H 'content-type: application/json' -d '{"customer_id": ${first}}'`,
    "  Read features, push rows, build training sets: docs/quickstart.md",
    "  Serve from Redis: in examples/churn/feature_store.yaml replace the online_store line by",
    '    online_store: { type: redis, connection_string: "localhost:6379", layout: packed }',
    "  and run this again. Nothing else changes.",
  ];
  for (const line of lines) talk.line(line);
}

/** Aborts at the first Ctrl-C or SIGTERM. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => controller.abort());
  return controller.signal;
}

/** Fulfils, with nothing, when the signal aborts. */
function untilAborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined)));
}

function isoDay(year: number, month: number): string {
  return new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 10);
}

/** Whether nobody listens on a loopback port. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
