import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { startProcess } from "@larder/testkit";
import { createRecordDecoder, createSync, openEventSource, openRecordSink, streamOf } from "../../src/stream/index.ts";
import type { LoadOrder, LoadReport } from "./load-process.ts";
import { type Client, LIVE, type World } from "./world.ts";

/** Milliseconds from the call that appends a probe until the store answers it, of each probe, while the sync has so many records a second to do. */
export async function underLoad(world: World, client: Client, perSecond: number, seconds: number): Promise<LoadReport> {
  await world.plain.flushall("SYNC");
  const definitions = world.definitions(client, LIVE, `live-${client}`);
  const stream = streamOf(definitions);
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  await using source = await openEventSource(stream, [LIVE]);
  await using sink = await openRecordSink(stream);
  const decoder = createRecordDecoder(definitions);
  const assigned = new EventTarget();
  const sync = createSync({
    ...{ definitions, store, source, sink, decoder, clock: systemClock },
    onEvent: ({ kind }) => assigned.dispatchEvent(new Event(kind)),
  });
  const ending = new AbortController();
  const joined = once(assigned, "assigned");
  const running = sync.run(ending.signal);
  await Promise.race([joined, running]);
  const order: LoadOrder = {
    brokers: world.kafka.brokers,
    connectionString: world.redis.connectionString,
    perSecond,
    seconds,
  };
  const program = join(import.meta.dirname, "load-process.ts");
  const args = ["--conditions=@larder/source", program, JSON.stringify(order)];
  await using child = await startProcess(process.execPath, args);
  const line = await child.waitForLine(/^\{"latencies"/, (seconds + 60) * 1_000);
  ending.abort();
  await running;
  await wait(0);
  return JSON.parse(line) as LoadReport;
}
