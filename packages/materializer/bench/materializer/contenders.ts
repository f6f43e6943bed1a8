import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { findView, systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { createRecordDecoder, createSync, openEventSource, openRecordSink, streamOf } from "../../src/stream/index.ts";
import { type Client, CUSTOMERS, ROWS, timeOf, type World } from "./world.ts";

/** One way through all records, and what it took. */
export interface Turn {
  readonly perSecond: number;
  /** CPU time per record, in microseconds: of this process, and of the store. */
  readonly cpuUs: number;
  readonly storeCpuUs: number;
}

/** The client alone: every record is handed over, and nothing is done with it. From the assignment on; joining is not counted. */
export async function consumeOnly(world: World, client: Client, records: number): Promise<Turn> {
  const definitions = world.definitions(client, ROWS);
  await using source = await openEventSource(streamOf(definitions), [ROWS]);
  const enough = new AbortController();
  let seen = 0;
  const watch = new Watch(world, records);
  await source.consume(
    {
      onAssigned: () => watch.start(),
      onRevoked: async () => {},
      onLost: () => {},
      onBatch: async (batch) => {
        seen += batch.records.length;
        if (seen < records) return;
        watch.stop();
        enough.abort();
      },
    },
    enough.signal,
  );
  return watch.turn();
}

/** The sync: decoded, merged, written, and committed on the way. From the assignment until the last row is in the store. */
export async function syncAll(world: World, client: Client, records: number): Promise<Turn> {
  await world.plain.flushall("SYNC");
  const definitions = world.definitions(client, ROWS);
  const stream = streamOf(definitions);
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  await using source = await openEventSource(stream, [ROWS]);
  await using sink = await openRecordSink(stream);
  const decoder = createRecordDecoder(definitions);
  const watch = new Watch(world, records);
  const sync = createSync({
    ...{ definitions, store, source, sink, decoder, clock: systemClock },
    onEvent: ({ kind }) => {
      if (kind === "assigned") watch.start();
    },
  });
  const ending = new AbortController();
  const running = sync.run(ending.signal);
  const written = () => sync.status().views.reduce((sum, { applied, merged }) => sum + applied + merged, 0);
  while (written() < records) await Promise.race([wait(LOOK_MS), running]);
  watch.stop();
  ending.abort();
  await running;
  if (written() !== records) throw new Error(`${written()} rows were written, of ${records}`);
  return watch.turn();
}

/** Batches of the same rows, made beforehand, by the script that the store writes with; several on their way at once. */
export async function writeByHand(world: World, records: number): Promise<Turn> {
  await world.plain.flushall("SYNC");
  const script = await scriptOf(world);
  const watch = new Watch(world, records);
  watch.start();
  let next = 0;
  const writer = async () => {
    for (let from = next; from < records; from = next) {
      next += BATCH;
      const rows = Array.from({ length: Math.min(BATCH, records - from) }, (_, i) => from + i);
      await script(rows);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  watch.stop();
  return watch.turn();
}

/** A status looks at every record on its way: asked 200 times a second it took a sixth of the sync's time. */
const LOOK_MS = 50;
const BATCH = 100;
const WRITERS = 4;
const SCRIPT = new URL("../../../store-core/src/stores/redis/scripts/put-rows.lua", import.meta.url);

/** Writes rows as the store lays them out. One is written by the store itself; the others are it, with their own times. */
async function scriptOf(world: World): Promise<(indices: readonly number[]) => Promise<void>> {
  const { plain } = world;
  const definitions = world.definitions("kafkajs", ROWS);
  const view = findView(definitions, "churn");
  {
    await using store = await openOnlineStore(definitions, { clock: systemClock });
    const eventTime = timeOf(0) * 1_000;
    const values = [1, 20.5, 1, "One year", true];
    await store.write(view, [{ entityKey: [0n], eventTime, createdTime: eventTime, values }], { tenant: "default" });
  }
  const key = (await plain.keys("*")).find((each) => each.endsWith("{0}"));
  if (key === undefined) throw new Error("The store wrote no row under its customer's key.");
  const [field, sample] = Object.entries(await plain.hgetallBuffer(key))[0] ?? [];
  if (field === undefined || sample === undefined) throw new Error(`There is no row in ${key}.`);
  await plain.flushall("SYNC");
  const sha = String(await plain.script("LOAD", await readFile(SCRIPT, "utf8")));
  const prefix = key.slice(0, -"{0}".length);
  const never = Buffer.alloc(BATCH * 8);
  for (let i = 0; i < BATCH; i++) never.writeDoubleBE(Number.POSITIVE_INFINITY, i * 8);
  return async (indices) => {
    const rows = indices.map((index) => {
      const row = Buffer.from(sample);
      const eventTime = timeOf(index) * 1_000;
      // The sign bit is flipped, so that bytes sort as times do.
      row.writeUIntBE(Math.floor(eventTime / 256) + 2 ** 47, 0, 6);
      row[6] = eventTime % 256;
      return row;
    });
    const keys = indices.map((index) => `${prefix}{${index % CUSTOMERS}}`);
    const reply = await plain.evalsha(sha, keys.length, ...keys, field, never.subarray(0, keys.length * 8), ...rows);
    if (reply !== "a".repeat(keys.length)) throw new Error(`The script answered ${String(reply)}`);
  };
}

class Watch {
  readonly #world: World;
  readonly #records: number;
  #started: { readonly at: number; readonly cpu: NodeJS.CpuUsage; readonly store: Promise<number> } | undefined;
  #ended: { readonly ms: number; readonly cpu: NodeJS.CpuUsage; readonly store: Promise<number> } | undefined;

  constructor(world: World, records: number) {
    this.#world = world;
    this.#records = records;
  }

  start(): void {
    this.#started = { at: performance.now(), cpu: process.cpuUsage(), store: this.#world.storeCpuMs() };
  }

  stop(): void {
    if (this.#started === undefined) throw new Error("Nothing was assigned.");
    const ms = performance.now() - this.#started.at;
    this.#ended = { ms, cpu: process.cpuUsage(this.#started.cpu), store: this.#world.storeCpuMs() };
  }

  async turn(): Promise<Turn> {
    if (this.#started === undefined || this.#ended === undefined) throw new Error("It has not been measured.");
    const { ms, cpu } = this.#ended;
    const storeMs = (await this.#ended.store) - (await this.#started.store);
    return {
      perSecond: (this.#records / ms) * 1_000,
      cpuUs: (cpu.user + cpu.system) / this.#records,
      storeCpuUs: (storeMs * 1_000) / this.#records,
    };
  }
}
