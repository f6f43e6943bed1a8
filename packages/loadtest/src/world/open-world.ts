import { join } from "node:path";
import { type Budget, loadDefinitions } from "@larder/schema";
import {
  type ChildHandle,
  type KafkaServer,
  startKafka,
  startProcess,
  startRedis,
  temporaryFolder,
} from "@larder/testkit";
import { type Cores, pinCores } from "./cores.ts";
import { createEventsTopic, type EventStream, openEventStream } from "./event-stream.ts";
import { materializeAll } from "./materialize-all.ts";
import type { TestedStore } from "./online-stores.ts";
import { seedData } from "./seed-data.ts";
import { openSlowLink, type SlowLink } from "./slow-link.ts";
import { writeDefinitions } from "./write-definitions.ts";

/** What a load test runs against. */
export interface WorldSettings {
  readonly entities: number;
  readonly tenants: readonly string[];
  /** Milliseconds added to each round trip to the store, where that is a connection. */
  readonly linkMs: number;
  /** Deadline of the store's calls: long, so that a slow store shows as a latency, not as errors. */
  readonly deadline: string;
  /** Whether there is a Kafka, too, with `larder sync` beside each server. */
  readonly events?: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Data, and a Redis with a slow road to it; the server comes with `serve`. All of it ends with the world. */
export interface World extends AsyncDisposable {
  readonly cores: Cores;
  readonly link: SlowLink;
  /** For files that last as long as the world. */
  readonly folder: string;
  readonly redisPid: number;
  /** Milliseconds added to each round trip to the store when nothing disturbs it. */
  readonly linkMs: number;
  /** Starts `larder serve` on a store and fills that. */
  serve(store: TestedStore): Promise<Served>;
}

/** A running `larder serve`, with all rows in its store. */
export interface Served extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly store: TestedStore;
  /** Those that the store keeps. */
  readonly tenants: readonly string[];
  readonly budgets: ReadonlyMap<string, Budget>;
  /** Milliseconds from the start of the process until it listens. */
  readonly startMs: number;
  /** Where the world has a Kafka. */
  readonly events: EventStream | undefined;
  /** Ends the process and starts it anew on the same rows. */
  restart(): Promise<Served>;
}

/** Makes the data and starts Redis. */
export async function openWorld(settings: WorldSettings): Promise<World> {
  const { entities, tenants, linkMs, say } = settings;
  await using stack = new AsyncDisposableStack();
  const cores = pinCores();
  const folder = stack.use(await temporaryFolder());
  say(`data: ${entities.toLocaleString("en")} customers for ${tenants.length} tenants`);
  await seedData(join(folder.path, "data"), entities, tenants);
  const redis = stack.use(await startRedis());
  const link = stack.use(await openSlowLink(redis));
  link.delay(linkMs);
  const kafka = settings.events === true ? stack.use(await startKafka()) : undefined;
  if (kafka !== undefined) await createEventsTopic(kafka);
  const running = stack.move();
  return {
    ...{ cores, link, linkMs, folder: folder.path, redisPid: redis.pid },
    serve: (store) => serveOn(store, { ...settings, folder: folder.path, link, cores, kafka }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

interface ServeSettings extends WorldSettings {
  readonly folder: string;
  readonly link: SlowLink;
  readonly cores: Cores;
  readonly kafka: KafkaServer | undefined;
}

async function serveOn(store: TestedStore, settings: ServeSettings): Promise<Served> {
  const { folder, link, deadline, say, linkMs, signal, kafka, entities } = settings;
  const tenants = store.tenants ? settings.tenants : ["default"];
  const place = join(folder, store.name);
  const file = writeDefinitions(place, {
    ...{ store, address: link.address, tenants, deadline },
    ...(kafka === undefined ? {} : { brokers: kafka.brokers }),
  });
  const definitions = await loadDefinitions(file, { env: {} });
  const server = await start(file, settings);
  try {
    const started = performance.now();
    // Filling the store is not what is measured.
    link.delay(0);
    const rows = await materializeAll(server.url, tenants, signal);
    link.delay(linkMs);
    const seconds = (performance.now() - started) / 1000;
    say(`${store.name}: ${rows.toLocaleString("en")} rows materialized in ${seconds.toFixed(1)} s`);
    const events = kafka === undefined ? undefined : await openEventStream({ kafka, file, tenants, entities });
    return served(server, { file, store, tenants, events, budgets: definitions.budgets }, settings);
  } catch (error) {
    await server.child.end();
    throw error;
  }
}

interface Started {
  readonly url: string;
  readonly child: ChildHandle;
  readonly startMs: number;
}

async function start(file: string, { cores }: ServeSettings): Promise<Started> {
  const main = join(import.meta.dirname, "..", "..", "..", "larder", "src", "cli", "main.ts");
  const serve = ["--conditions=@larder/source", main, "serve", "--file", file, "--port", "0"];
  const [command, ...args] = cores.server([process.execPath, ...serve]);
  const began = performance.now();
  const child = await startProcess(command, args);
  try {
    const line = await child.waitForLine(/^Larder serves at /, START_MS);
    return { url: line.slice(line.lastIndexOf(" ") + 1), child, startMs: performance.now() - began };
  } catch (error) {
    await child.end(0);
    throw error;
  }
}

interface Place extends Pick<Served, "store" | "tenants" | "budgets" | "events"> {
  readonly file: string;
}

function served({ url, child, startMs }: Started, place: Place, settings: ServeSettings): Served {
  const { store, tenants, budgets, events, file } = place;
  return {
    ...{ url, pid: child.pid, startMs, store, tenants, budgets, events },
    async restart() {
      await child.end();
      return served(await start(file, settings), place, settings);
    },
    async [Symbol.asyncDispose]() {
      await events?.[Symbol.asyncDispose]();
      await child[Symbol.asyncDispose]();
    },
  };
}

/** A loaded machine needs many times what an idle one does. */
const START_MS = 60_000;
