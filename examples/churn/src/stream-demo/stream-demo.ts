import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type KafkaHand, kafkaHand, startKafka } from "@larder/testkit";
import { type GoldenRow, readGolden } from "../golden.ts";
import { predict } from "../quickstart/ask.ts";
import { EXAMPLE, type Server, startServer } from "../quickstart/command.ts";
import { terminalTalk } from "../quickstart/terminal.ts";
import type { Features } from "../telco.ts";
import { nextEvent, recordsOf } from "./churn-events.ts";
import { type DemoFolder, makeDemoFolder } from "./demo-folder.ts";
import { type DemoOutput, jsonOutput, textOutput } from "./demo-output.ts";

const USAGE = "Usage: npm run -s demo:stream -- [--seconds 20] [--brokers host:port,host:port] [--json]";
const CUSTOMERS = 4;
const PAUSE_MS = 700;
const ASK_MS = 10;
const SEEN_MS = 30_000;

/**
 * Customers' events through a real Kafka into the online store, and what the model makes of each, until the seconds are over or Ctrl-C. Starts a broker of
 * its own unless it is given one, `larder sync` and `larder serve`; removes everything that it made. Answers the exit code: 2 for wrong usage, 1 when a step
 * failed.
 */
export async function runStreamDemo(args: readonly string[]): Promise<0 | 1 | 2> {
  const wish = readArguments(args);
  if (wish === undefined) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const talk = terminalTalk(process.stdout, process.env);
  const output = wish.json ? jsonOutput((line) => talk.line(line)) : textOutput(talk);
  const interrupted = new AbortController();
  const stop = () => interrupted.abort();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, stop);
  try {
    {
      await using opened = new AsyncDisposableStack();
      await demo(wish, output, opened, interrupted.signal);
    }
    output.ending(interrupted.signal.aborted);
  } catch (error) {
    if (interrupted.signal.aborted) return 0;
    process.stderr.write(`demo:stream: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, stop);
  }
  return 0;
}

interface Wish {
  readonly seconds: number;
  readonly brokers: readonly string[] | undefined;
  readonly json: boolean;
}

function readArguments(args: readonly string[]): Wish | undefined {
  try {
    const options = { seconds: { type: "string" }, brokers: { type: "string" }, json: { type: "boolean" } } as const;
    const { values } = parseArgs({ args: [...args], options });
    const seconds = Number(values.seconds ?? 20);
    if (!Number.isFinite(seconds) || seconds <= 0) return undefined;
    return { seconds, brokers: values.brokers?.split(","), json: values.json === true };
  } catch {
    return undefined; // an option that does not exist: the usage says which do
  }
}

/** A customer in the demo: as the last event left it. */
interface DemoCustomer {
  readonly id: number;
  features: Features;
  probability: number;
}

async function demo(wish: Wish, output: DemoOutput, opened: AsyncDisposableStack, signal: AbortSignal): Promise<void> {
  const brokers = wish.brokers ?? opened.adopt(await startKafka(), (server) => server.stop()).brokers;
  const kafka = kafkaHand(brokers);
  const name = `larder-demo-${randomBytes(4).toString("hex")}`;
  const folder = opened.adopt(await makeDemoFolder(brokers, name), ({ remove }) => remove());
  const topics = topicsIn(folder);
  // A broker of the demo's own is thrown away whole.
  if (wish.brokers !== undefined) {
    opened.defer(async () => void (await Promise.allSettled(topics.map((topic) => kafka.deleteTopic(topic)))));
  }
  await allOf(topics.map((topic) => kafka.createTopic(topic, { partitions: 2 })));
  signal.throwIfAborted();
  const servers: Server[] = [];
  // One signal is enough: a Ctrl-C on the terminal has reached them already.
  const told = () => process.stdout.isTTY === true && signal.aborted;
  opened.defer(async () => void (await Promise.all(servers.map((server) => server.stop(told())))));
  const start = async (verb: string) => {
    const server = await startServer(verb, "-f", folder.file, "--port", "0");
    servers.push(server);
    return server;
  };
  const [serve, sync] = await allOf([start("serve"), start("sync")]);
  if (serve === undefined || sync === undefined) return;
  output.ready({ brokers, topics: [...folder.topics.values()], url: serve.url, sync: sync.url });
  const broken = Promise.race([serve.ended, sync.ended]).then((why) => {
    throw new Error(why);
  });
  broken.catch(() => {}); // whoever waits for an event hears of it
  await Promise.race([broken, tell({ kafka, folder, url: serve.url, seconds: wish.seconds }, output, signal)]);
}

/** Waits for all of them, so that nothing is under way any more when one fails. */
async function allOf<T>(work: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

interface Scene {
  readonly kafka: KafkaHand;
  readonly folder: DemoFolder;
  readonly url: string;
  readonly seconds: number;
}

async function tell({ kafka, folder, url, seconds }: Scene, output: DemoOutput, signal: AbortSignal): Promise<void> {
  const produce = async (id: number, features: Features, before?: Features): Promise<void> => {
    for (const [view, record] of recordsOf(id, features, before, new Date())) {
      await kafka.produce(folder.topics.get(view) ?? "", [record]);
    }
  };
  /** Asks until the answer is another. */
  const changed = async (id: number, before: number | undefined): Promise<number | undefined> => {
    const end = performance.now() + SEEN_MS;
    while (!signal.aborted) {
      const [now] = (await predict(url, [id])).predictions;
      if (now !== undefined && now !== before) return now;
      if (performance.now() > end)
        throw new Error(`What happened to customer ${id} is not seen after ${SEEN_MS / 1_000} s.`);
      await wait(ASK_MS);
    }
    return undefined;
  };
  const customers: DemoCustomer[] = [];
  for (const { id, features } of await someCustomers()) {
    await produce(id, features);
    const probability = await changed(id, undefined);
    if (probability === undefined) return;
    customers.push({ id, features, probability });
    output.known({ customer: id, probability });
  }
  const end = performance.now() + seconds * 1_000;
  for (let turn = 0; !signal.aborted && performance.now() < end; turn++) {
    const customer = customers[turn % customers.length];
    if (customer === undefined) return;
    const { what, features } = nextEvent(customer.features, Math.floor(turn / customers.length) + turn);
    const since = performance.now();
    await produce(customer.id, features, customer.features);
    const probability = await changed(customer.id, customer.probability);
    if (probability === undefined) return;
    const ms = performance.now() - since;
    output.happened({ customer: customer.id, what, features, before: customer.probability, after: probability, ms });
    Object.assign(customer, { features, probability });
    await wait(PAUSE_MS, undefined, { signal }).catch(() => {});
  }
}

/** Customers of the sample that may go either way: what happens to them shows. */
async function someCustomers(): Promise<readonly { readonly id: number; readonly features: Features }[]> {
  const golden = await readGolden(join(EXAMPLE, "models", "golden_predictions.json"));
  const known = golden.filter((row): row is GoldenRow & { readonly customerId: number } => row.customerId !== null);
  const undecided = known.filter(({ probability }) => probability > 0.3 && probability < 0.7).slice(0, CUSTOMERS);
  return undecided.map(({ customerId, inputs }) => ({ id: customerId, features: inputs }));
}

function topicsIn({ topics }: DemoFolder): readonly string[] {
  return [...topics.values()].flatMap((topic) => [topic, `${topic}.dead-letter`]);
}
