import { createHash } from "node:crypto";
import { once } from "node:events";
import { access, readFile } from "node:fs/promises";
import { type ClientRequest, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { LarderError } from "@larder/schema";
import { until } from "@larder/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { buildApp, type HistoricalFunction, type HistoricalRun } from "../../src/index.ts";
import { openWorld, type World } from "../support/world.ts";

const YAML = `
project: shop
online_store: { type: memory }
offline_store: { type: duckdb, path: data }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
  - { name: visit, join_keys: [{ name: at, type: unix_timestamp }, { name: token, type: bytes }] }
feature_views:
  - { name: profile, entity: customer, features: [{ name: age, type: int32 }], source: { path: "{tenant}/profile" } }
  - { name: shared, entity: customer, features: [{ name: x, type: int32 }], source: { path: shared } }
  - { name: pushed, entity: customer, features: [{ name: seen, type: int32 }] }
  - { name: visits, entity: visit, features: [{ name: z, type: int32 }], source: { path: visits } }
feature_services:
  - { name: aged, features: ["profile:age"] }
server: { max_rows: 3, historical: { body_limit: 10KB, deadline: 10m } }
tenants: { default: {}, acme: {} }
`;
const PARQUET = "application/vnd.apache.parquet";
const ARROW = "application/vnd.apache.arrow.stream";
const ROW = { customer_id: 1, event_timestamp: "2024-01-01T00:00:00Z" };
const WISH = { features: ["profile:age"], entity_rows: [ROW] };

let world: World;
let app: World["app"];
let runs: HistoricalRun[];
/** What the next run hands out. */
let hands: HistoricalFunction;

const HELLO: HistoricalFunction = async function* () {
  yield Buffer.from("hello ");
  yield Buffer.from("world");
};

const build = (each: World): Promise<World["app"]> =>
  buildApp({
    ...each,
    historical: (run) => {
      runs.push(run);
      return hands(run);
    },
  });

beforeAll(async () => {
  world = await openWorld(YAML);
  app = await build(world);
});

beforeEach(() => {
  runs = [];
  hands = HELLO;
});

afterAll(async () => {
  await app.close();
  await world[Symbol.asyncDispose]();
});

const post = (body: object | Buffer, url = "/historical-features", headers: Record<string, string> = {}) =>
  app.inject({ method: "POST", url, payload: body, headers });

const metric = async (name: string): Promise<number> => {
  const { body } = await app.inject({ method: "GET", url: "/metrics" });
  return Number(new RegExp(`^${name.replaceAll(/[{}"]/g, "\\$&")} (\\d+)$`, "m").exec(body)?.[1] ?? "0");
};
const ended = (status: string) => metric(`larder_historical_joins_total{tenant="default",status="${status}"}`);

/** Counts joins that end so from now on. */
async function counter(status: string): Promise<() => Promise<number>> {
  const before = await ended(status);
  return async () => (await ended(status)) - before;
}

test("rows and columns in JSON are joined alike, keys read as everywhere, and the bytes are answered as they come", async () => {
  const whole = await counter("ok");
  const rows = [
    { customer_id: "9007199254740993", event_timestamp: "2024-01-01", label: 0.5 },
    { customer_id: null, event_timestamp: null, label: null },
  ];
  const columns = {
    customer_id: ["9007199254740993", null],
    event_timestamp: ["2024-01-01", null],
    label: [0.5, null],
  };
  for (const entities of [{ entity_rows: rows }, { entities: columns }]) {
    const { statusCode, headers, body } = await post({ feature_service: "aged", as_of: "event_time", ...entities });
    expect([statusCode, headers["content-type"], body]).toEqual([200, ARROW, "hello world"]);
  }
  const read = [{ ...rows[0], customer_id: 9007199254740993n }, rows[1]];
  const wanted = { tenant: "default", features: undefined, featureService: "aged", fullFeatureNames: false };
  const run = { ...wanted, asOf: "event_time", timestampColumn: "event_timestamp", entities: { rows: read } };
  expect(runs).toEqual([run, run].map((each) => ({ ...each, signal: expect.any(AbortSignal) })));
  expect([await whole(), await metric("larder_historical_joins_under_way")]).toEqual([2, 0]);
});

test("a Parquet body is a file while its join runs, and the query says the rest", async () => {
  let file = "";
  hands = async function* ({ entities }) {
    file = "parquet" in entities ? entities.parquet : "";
    yield await readFile(file);
  };
  const url =
    "/t/acme/historical-features?features=profile:age,%20profile:age&full_feature_names=true&timestamp_column=t";
  const { statusCode, rawPayload } = await post(Buffer.from("PAR1"), url, { "content-type": PARQUET });
  expect([statusCode, rawPayload.toString()]).toEqual([200, "PAR1"]);
  expect(runs[0]).toMatchObject({
    tenant: "acme",
    features: ["profile:age", "profile:age"],
    fullFeatureNames: true,
    asOf: "bitemporal",
    timestampColumn: "t",
  });
  await expect(access(file)).rejects.toThrow("ENOENT");
});

test.each([
  ["no features", { entity_rows: [ROW] }, "", 422, "features"],
  ["features and a service", { ...WISH, feature_service: "aged" }, "", 422, "features"],
  ["an unknown feature", { ...WISH, features: ["profile:nope"] }, "", 404, "features"],
  ["an unknown service", { entity_rows: [ROW], feature_service: "nope" }, "", 404, "feature_service"],
  ["a view without source", { ...WISH, features: ["pushed:seen"] }, "", 422, "features"],
  ["no entity rows", { features: WISH.features }, "", 422, "entity_rows"],
  ["rows and columns", { ...WISH, entities: { customer_id: [1] } }, "", 422, "entity_rows"],
  ["an empty list of rows", { ...WISH, entity_rows: [] }, "", 422, "entity_rows"],
  ["too many rows", { ...WISH, entity_rows: [ROW, ROW, ROW, ROW] }, "", 413, "entity_rows"],
  ["columns of other lengths", { features: WISH.features, entities: { a: [1], b: [] } }, "", 422, "entities.b"],
  ["a key of another type", { ...WISH, entity_rows: [{ ...ROW, customer_id: "x" }] }, "", 422, "entity_rows"],
  ["a key of bytes", { features: ["visits:z"], entity_rows: [{ at: 1, token: "AAE=" }] }, "", 422, "entity_rows"],
  ["another rule", { ...WISH, as_of: "later" }, "", 422, "as_of"],
  ["an unknown member", { ...WISH, nope: 1 }, "", 422, "nope"],
  ["a query beside JSON", WISH, "?as_of=bitemporal", 422, "as_of"],
  ["rows that are no objects", { ...WISH, entity_rows: [1] }, "", 422, "entity_rows.0"],
  ["another rule in the query", Buffer.from("PAR1"), "?as_of=later&features=profile:age", 422, "as_of"],
  ["a Parquet body over its limit", Buffer.alloc(10_001), "?features=profile:age", 413, "body"],
])("%s is refused by its field, and no join runs", async (_, body, query, status, field) => {
  const type = Buffer.isBuffer(body) ? { "content-type": PARQUET } : {};
  const response = await post(body, `/historical-features${query}`, type);
  expect([response.statusCode, response.json()]).toMatchObject([status, { status, field }]);
  expect(runs).toEqual([]);
  await until(10_000, "its place is free", async () => (await metric("larder_historical_joins_under_way")) === 0);
});

test("a tenant whose rows the source does not tell apart is refused, as for materialize", async () => {
  const { statusCode, body } = await post({ ...WISH, features: ["shared:x"] }, "/t/acme/historical-features");
  expect([statusCode, body]).toEqual([422, expect.stringContaining("shared")]);
});

test("what fails before the first byte has its status, and its place is free again", async () => {
  const [failed, whole] = [await counter("failed"), await counter("ok")];
  for (const [code, status] of [
    ["ENTITY_ROWS_INVALID", 422],
    ["MISSING_DEPENDENCY", 500],
    ["OFFLINE_FAILED", 500],
  ] as const) {
    // biome-ignore lint/correctness/useYield: it fails before it has anything to hand out
    hands = async function* () {
      throw new LarderError(code, { what: "It failed", remedy: "Do better" });
    };
    const response = await post(WISH);
    expect([response.statusCode, response.json()]).toMatchObject([status, { code }]);
  }
  hands = HELLO;
  expect((await post(WISH)).statusCode).toBe(200);
  expect([await failed(), await whole()]).toEqual([3, 1]);
});

test("a join past its deadline is stopped and answered 504", async () => {
  await using other = await openWorld(YAML.replace("deadline: 10m", "deadline: 20ms"));
  const hurried = await build(other);
  // biome-ignore lint/correctness/useYield: it is stopped before it has anything to hand out
  hands = async function* ({ signal }) {
    await once(signal, "abort");
    throw new LarderError("ABORTED", { what: "Stopped", remedy: "Start again" });
  };
  const response = await hurried.inject({ method: "POST", url: "/historical-features", payload: WISH });
  await hurried.close();
  expect([response.statusCode, response.json()]).toMatchObject([504, { code: "DEADLINE_EXCEEDED" }]);
});

test("an error in the middle breaks the connection: no reader takes what it has for the whole", async () => {
  const failed = await counter("failed");
  hands = async function* () {
    yield Buffer.from("hello ");
    throw new LarderError("OFFLINE_FAILED", { what: "The disk is full", remedy: "Free some space" });
  };
  const { response } = await open();
  await expect(response.toArray()).rejects.toThrow("aborted");
  await until(10_000, "the join has ended", async () => (await failed()) === 1);
  expect(await metric('larder_errors_total{code="OFFLINE_FAILED"}')).toBe(2);
});

const PIECE = 64 * 1024;
const PIECES = 500;
const pieceOf = (index: number): Buffer => Buffer.alloc(PIECE, index % 251);

/** Pieces without end. */
async function* pieces(): AsyncGenerator<Uint8Array> {
  for (;;) yield await turn(Buffer.alloc(PIECE));
}

test("a reader that is slow holds up the source, not the server's memory; what it reads in the end is whole", async () => {
  let made = 0;
  hands = async function* () {
    for (; made < PIECES; made++) yield await turn(pieceOf(made));
  };
  const { response, answer } = await open();
  await until(10_000, "the connection takes no more", async () => answer.writableNeedDrain);
  for (let i = 0; i < 1_000; i++) await turn();
  // What the sockets of both ends hold is the system's; of 31 MiB most are not made, and what waits in the process is little.
  expect(made).toBeLessThan(PIECES / 2);
  expect(answer.writableLength).toBeLessThan(1024 * 1024);
  const refused = await post(WISH);
  expect([refused.statusCode, refused.headers["retry-after"], refused.json().code]).toEqual([429, "1", "RATE_LIMITED"]);

  const read = createHash("sha256");
  for await (const chunk of response) read.update(chunk as Buffer);
  const whole = createHash("sha256");
  for (let i = 0; i < PIECES; i++) whole.update(pieceOf(i));
  expect([made, read.digest("hex")]).toEqual([PIECES, whole.digest("hex")]);
}, 30_000);

test.each(["before", "after"])("a client that goes %s the first byte ends the join", async (when) => {
  const cancelled = await counter("cancelled");
  const stopped = Promise.withResolvers<void>();
  hands = async function* ({ signal }) {
    try {
      if (when === "after") yield* pieces();
      else await once(signal, "abort");
    } finally {
      expect(signal.aborted).toBe(true);
      stopped.resolve();
    }
  };
  const { request, response } = await ask();
  if (when === "after") await response;
  else await until(10_000, "the join runs", async () => runs.length === 1);
  response.catch(() => {});
  request.destroy();
  await stopped.promise;
  await until(10_000, "the join has ended", async () => (await cancelled()) === 1);
  expect(await metric("larder_historical_joins_under_way")).toBe(0);
});

test("an app that closes ends its joins", async () => {
  hands = pieces;
  const { response } = await open();
  response.on("error", () => {});
  await app.close();
  expect(runs[0]?.signal.aborted).toBe(true);
});

/** Sends a request over a socket of its own. */
async function ask(): Promise<{ readonly request: ClientRequest; readonly response: Promise<IncomingMessage> }> {
  if (!app.server.listening) await app.listen({ port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { "content-type": "application/json" };
  const request = httpRequest({ port, method: "POST", path: "/historical-features", agent: false, headers }, resolve);
  request.on("error", reject);
  request.end(JSON.stringify(WISH));
  return { request, response: promise };
}

/** The answer's two ends, once its first bytes are there. */
async function open(): Promise<{ readonly response: IncomingMessage; readonly answer: ServerResponse }> {
  const answering = Promise.withResolvers<ServerResponse>();
  app.server.once("request", (_, answer: ServerResponse) => answering.resolve(answer));
  const { response } = await ask();
  return { response: await response, answer: await answering.promise };
}
