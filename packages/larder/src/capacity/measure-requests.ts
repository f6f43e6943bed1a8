import { setTimeout as wait } from "node:timers/promises";
import { type FeatureView, LarderError, stringifyJson } from "@larder/schema";
import type { StoreMeter } from "@larder/store-core";

/** Requests under way at once: enough that the server is never idle for long. */
const CALLERS = 8;

/** Longest wait for an answer. */
const ANSWER_MS = 30_000;

/** Different requests that are sent in turn. */
const BODIES = 100;

/** What to ask, of which server. */
export interface RequestsToMeasure {
  readonly url: string;
  readonly meter: StoreMeter;
  readonly views: readonly FeatureView[];
  /** Join keys of entities that are there. */
  readonly examples: readonly Readonly<Record<string, unknown>>[];
  /** Rows of one request. */
  readonly rows: number;
  /** How long to measure, in seconds; a third of it goes before, to warm up. */
  readonly seconds: number;
  readonly tenant: string;
  /** Of LARDER_API_KEY: a key with the scopes read and admin, where the server asks for one. */
  readonly apiKey: string | undefined;
  readonly signal: AbortSignal;
}

/** CPU time of one request, in microseconds, and how many were asked. */
export interface RequestCost {
  readonly serverMicros: number;
  /** Less what the store takes while nothing is asked. */
  readonly storeMicros: number;
  readonly requests: number;
}

/**
 * Asks the server for all features of the views, as fast as it answers, and reads its CPU time and the store's before and after.
 * @throws REQUEST_FAILED for an answer other than 200
 */
export async function measureRequests(work: RequestsToMeasure): Promise<RequestCost> {
  const bodies = bodiesOf(work);
  const { meter, seconds } = work;
  await ask(work, bodies, seconds / 3);
  const idle = await idleCpu(work);
  const before = { server: await serverCpu(work), store: await meter.cpu(), at: performance.now() };
  const requests = await ask(work, bodies, seconds);
  const server = (await serverCpu(work)) - before.server;
  const store = (await meter.cpu()) - before.store - idle * (performance.now() - before.at);
  return { serverMicros: server / requests, storeMicros: Math.max(0, store) / requests, requests };
}

function bodiesOf({ views, examples, rows }: RequestsToMeasure): readonly string[] {
  const features = views.flatMap((view) => view.features.map(({ name }) => `${view.name}:${name}`));
  const keys = views[0]?.joinKeys ?? [];
  return Array.from({ length: BODIES }, (_, turn) => {
    const entities = Array.from({ length: rows }, (_, row) => examples[(turn * 7 + row) % examples.length]);
    const columns = keys.map(({ name }) => [name, entities.map((entity) => entity?.[name])]);
    return stringifyJson({ features, entities: Object.fromEntries(columns) });
  });
}

/** Asks for so many seconds; answers how often. */
async function ask(work: RequestsToMeasure, bodies: readonly string[], seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let requests = 0;
  const caller = async () => {
    while (performance.now() < end) {
      const body = bodies[requests++ % bodies.length] as string;
      await answered(work, "/get-online-features", { method: "POST", body });
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return requests;
}

/** Microseconds of the store's CPU per millisecond in which nothing is asked. */
async function idleCpu({ meter, seconds, signal }: RequestsToMeasure): Promise<number> {
  const [before, at] = [await meter.cpu(), performance.now()];
  await wait((seconds * 1000) / 3, undefined, { signal });
  return ((await meter.cpu()) - before) / (performance.now() - at);
}

/** Microseconds. */
async function serverCpu(work: RequestsToMeasure): Promise<number> {
  const text = await answered(work, "/metrics", {});
  const seconds = Number(/^process_cpu_seconds_total (\S+)/m.exec(text)?.[1]);
  if (Number.isFinite(seconds)) return 1e6 * seconds;
  throw new LarderError("REQUEST_FAILED", {
    what: "/metrics of the server that is measured does not tell its CPU time (process_cpu_seconds_total)",
    remedy: "Report this",
    facts: {},
  });
}

async function answered(work: RequestsToMeasure, path: string, init: RequestInit): Promise<string> {
  const { url, tenant, apiKey, signal } = work;
  const headers = {
    "content-type": "application/json",
    "x-larder-tenant": encodeURIComponent(tenant),
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  };
  const timed = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  const answer = await fetch(`${url}${path}`, { ...init, headers, signal: timed });
  const text = await answer.text();
  if (answer.status === 200) return text;
  throw new LarderError("REQUEST_FAILED", {
    what: `${path} of the server that is measured answered ${answer.status}: ${text.slice(0, 300)}`,
    remedy:
      "Where it asks for a key, put one with the scopes read and admin into LARDER_API_KEY; measure as a tenant without requests_per_second",
    facts: { status: answer.status },
  });
}
