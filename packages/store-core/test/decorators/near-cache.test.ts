import { isLarderError } from "@larder/schema";
import { expect, test } from "vitest";
import { type NearCacheUse, nearCacheUses } from "../../src/diagnostics.ts";
import { eraseEntity } from "../../src/erasure/erase-entity.ts";
import { cellsOf, NearWorld, SECOND } from "./near-cache-world.ts";

const P = (value: unknown) => ["PRESENT", value] as const;
const NONE = ["NOT_FOUND", null] as const;

test("what was read is answered again without the store, absences too, and says where it came from and when it was read", async () => {
  await using world = new NearWorld();
  await world.put(world.plain, "brief", 1, 1);
  const first = await world.batch([1, 2, 1]);
  expect([first.source(0, 0), first.source(1, 1)]).toEqual(["store", "store"]);
  const readAt = world.clock.now();
  world.clock.advance(SECOND);
  const again = await world.batch([2, 1, 1]);
  expect(cellsOf(again)).toEqual([
    [NONE, NONE, NONE],
    [P(1), P("s1"), NONE],
    [P(1), P("s1"), NONE],
  ]);
  expect(world.rigged.reads).toBe(1);
  expect([again.source(0, 0), again.readAt(1, 0), again.degraded]).toEqual(["near_cache", readAt, false]);
  const floats = new Float32Array(3);
  again.fillFloat32(0, floats, 0, 1);
  expect([...floats]).toEqual([Number.NaN, 1, 1]);
});

test("of a read that is half known the store is asked for the rest, and each row comes out in its place", async () => {
  await using world = new NearWorld();
  for (const id of [1, 2, 3]) await world.put(world.plain, "brief", id, id);
  for (const id of [2, 4]) await world.put(world.plain, "long", id, id * 10);
  await world.batch([2, 9]);
  const asked: number[] = [];
  const inner = world.rigged.read.bind(world.rigged);
  world.rigged.read = (plan, keys, call, options) => {
    asked.push(keys.rowCount);
    return inner(plan, keys, call, options);
  };
  const mixed = await world.batch([1, 2, 3, 9, 4, 2]);
  expect(cellsOf(mixed)).toEqual(await world.read([1, 2, 3, 9, 4, 2], "default", world.plain));
  expect(asked).toEqual([3]);
  expect([0, 1, 2, 3].map((row) => mixed.source(row, 0))).toEqual(["store", "near_cache", "store", "near_cache"]);
  const floats = new Float32Array(6);
  mixed.fillFloat32(0, floats, 0, 1);
  expect([...floats]).toEqual([1, 2, 3, Number.NaN, Number.NaN, 2]);
});

test("no row is answered past its age, though every signal is lost", async () => {
  await using world = new NearWorld();
  await world.put(world.plain, "long", 1, 1);
  await world.read([1]);
  world.clock.advance(1);
  await world.put(world.plain, "long", 1, 2);
  world.clock.advance(10 * SECOND - 1);
  expect((await world.read([1]))[0]?.[2]).toEqual(P(1n));
  world.clock.advance(1);
  expect((await world.read([1]))[0]?.[2]).toEqual(P(2n));
});

test("a clock that is set back keeps no row alive", async () => {
  await using world = new NearWorld();
  await world.read([1]);
  world.clock.advance(-1);
  await world.read([1]);
  expect(world.rigged.reads).toBe(2);
  // Nor does one that stands still: the age is measured, too.
  await using short = new NearWorld({ maxAge: 1_000 });
  await short.read([1]);
  for (const end = performance.now() + 2; performance.now() < end; );
  await short.read([1]);
  expect(short.rigged.reads).toBe(2);
});

test("a row's TTL is judged when it is answered", async () => {
  await using world = new NearWorld();
  await world.put(world.plain, "brief", 1, 1);
  world.clock.advance(15 * SECOND);
  expect((await world.read([1]))[0]?.[0]).toEqual(P(1));
  world.clock.advance(5 * SECOND);
  expect((await world.read([1]))[0]?.[0]).toEqual(P(1));
  world.clock.advance(1);
  expect((await world.read([1]))[0]?.[0]).toEqual(["OUTSIDE_MAX_AGE", null]);
  expect(world.rigged.reads).toBe(1);
  const stale = await world.store.read(world.plan, world.keys([1]), { tenant: "default" }, { allowStale: true });
  expect(stale.value(0, 0)).toBe(1);
});

test("what a signal names is forgotten, and a view as a whole where it names nothing or there is a gap", async () => {
  await using world = new NearWorld();
  for (const id of [1, 2]) for (const view of ["brief", "long"]) await world.put(world.plain, view, id, 1);
  const answers = async () => (await world.read([1, 2])).map((cells) => [cells[0]?.[1], cells[2]?.[1]]);
  await answers();
  world.clock.advance(1);
  for (const id of [1, 2]) for (const view of ["brief", "long"]) await world.put(world.plain, view, id, 2);
  expect(await answers()).toEqual([
    [1, 1n],
    [1, 1n],
  ]);
  await world.rigged.moved("acme", "brief", ["1"]);
  await world.rigged.moved("default", "brief", ["1"]);
  expect(await answers()).toEqual([
    [2, 2n],
    [1, 1n],
  ]);
  await world.rigged.moved("default", "brief", undefined);
  expect((await answers())[1]).toEqual([2, 2n]);
  world.clock.advance(1);
  await world.put(world.plain, "long", 2, 3);
  expect((await answers())[1]).toEqual([2, 2n]);
  await world.rigged.gap("default", "long");
  expect((await answers())[1]).toEqual([2, 3n]);
});

test("writes, deletions and resets through the same store are seen at once", async () => {
  await using world = new NearWorld();
  const { store } = world;
  expect((await world.read([1]))[0]?.[2]).toEqual(NONE);
  await world.put(store, "long", 1, 1);
  expect((await world.read([1]))[0]?.[2]).toEqual(P(1n));
  world.clock.advance(1);
  await world.put(store, "long", 1, undefined);
  expect((await world.read([1]))[0]?.[2]).toEqual(NONE);
  world.clock.advance(1);
  await world.put(store, "long", 1, 2);
  await world.put(store, "long", 1, 7, "acme");
  await world.read([1], "acme");
  expect((await world.read([1]))[0]?.[2]).toEqual(P(2n));
  await store.reset({ tenant: "default", view: "long", entityKey: "1" }, { tenant: "default" });
  expect((await world.read([1]))[0]?.[2]).toEqual(NONE);
  await world.put(store, "long", 1, 3);
  await world.read([1]);
  await store.reset({ tenant: "default" }, { tenant: "default" });
  expect((await world.read([1]))[0]?.[2]).toEqual(NONE);
  expect((await world.read([1], "acme"))[0]?.[2]).toEqual(P(7n));
});

test("of equal reads at once one asks the store; each still ends by its own deadline and signal", async () => {
  await using world = new NearWorld();
  await world.put(world.plain, "long", 1, 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  world.rigged.hold = promise;
  const controller = new AbortController();
  const reads = [world.read([1, 2]), world.read([1, 2]), world.read([1, 2])];
  const other = world.read([2, 1]);
  const ended = [
    world.batch([1, 2], "default", { signal: controller.signal }),
    world.batch([1, 2], "default", { deadline: performance.now() + 20 }),
  ].map((read) => read.catch((error: unknown) => (isLarderError(error) ? error.code : error)));
  controller.abort();
  expect(await Promise.all(ended)).toEqual(["ABORTED", "STORE_TIMEOUT"]);
  resolve();
  expect(new Set((await Promise.all(reads)).map((cells) => JSON.stringify(cells, (_, v) => `${v}`))).size).toBe(1);
  await other;
  // The two orders, and the one whose deadline ended the wait and who then asked anew in vain.
  expect(world.rigged.reads).toBeLessThanOrEqual(3);
});

test("a reader whose leader misses its own deadline asks for itself", async () => {
  await using world = new NearWorld();
  await world.put(world.plain, "long", 1, 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const read = world.rigged.read.bind(world.rigged);
  const codes: string[] = [];
  world.rigged.read = async (plan, keys, call, options) => {
    if (call.deadline === undefined) return read(plan, keys, call, options);
    await promise;
    return world.plain.read(plan, keys, { ...call, deadline: performance.now() - 1 }, options);
  };
  const leader = world
    .batch([1], "default", { deadline: performance.now() + 10 })
    .catch((error) => codes.push(error.code));
  const follower = world.read([1]);
  await leader;
  resolve();
  expect((await follower)[0]?.[2]).toEqual(P(1n));
  expect(codes).toEqual(["STORE_TIMEOUT"]);
});

test.each([
  ["a write through the store", (world: NearWorld) => world.put(world.store, "long", 1, 2)],
  [
    "a signal",
    async (world: NearWorld) => {
      await world.put(world.plain, "long", 1, 2);
      await world.rigged.moved("default", "long", ["1"]);
    },
  ],
  [
    "a gap",
    async (world: NearWorld) => {
      await world.put(world.plain, "long", 1, 2);
      await world.rigged.gap("default", "long");
    },
  ],
] as const)("a read that is overtaken by %s is neither remembered nor joined", async (_, overtake) => {
  await using world = new NearWorld();
  await world.put(world.plain, "long", 1, 1);
  await world.read([5]);
  for (const joining of [true, false]) {
    await world.rigged.gap("default", "long");
    const { promise, resolve } = Promise.withResolvers<void>();
    world.rigged.hold = promise;
    const old = (await world.read([1], "default", world.plain))[0]?.[2];
    const before = world.read([1, 2]);
    await new Promise((done) => setImmediate(done));
    world.clock.advance(1);
    await overtake(world);
    const after = joining ? world.read([1, 2]) : undefined;
    resolve();
    expect((await before)[0]?.[2]).toEqual(old);
    if (after !== undefined) expect((await after)[0]?.[2]).toEqual(P(2n));
    expect((await world.read([1]))[0]?.[2]).toEqual(P(2n));
    world.clock.advance(1);
    await world.put(world.plain, "long", 1, 1);
    world.clock.advance(1);
  }
});

test("who joins a read after a row's TTL has passed gets it as past its TTL", async () => {
  await using world = new NearWorld();
  await world.put(world.plain, "brief", 1, 1);
  world.clock.advance(20 * SECOND);
  const { promise, resolve } = Promise.withResolvers<void>();
  world.rigged.hold = promise;
  const first = world.read([1]);
  await new Promise((done) => setImmediate(done));
  world.clock.advance(1);
  const second = world.batch([1]);
  resolve();
  expect((await first)[0]?.[0]).toEqual(P(1));
  expect(cellsOf(await second)[0]?.[0]).toEqual(["OUTSIDE_MAX_AGE", null]);
  const floats = new Float32Array(1);
  (await second).fillFloat32(0, floats, 0, 1);
  expect(floats[0]).toBeNaN();
  expect(world.rigged.reads).toBe(1);
});

test("rows known when a slow read began are asked for again if they have grown too old meanwhile", async () => {
  await using world = new NearWorld();
  await world.put(world.plain, "long", 1, 1);
  await world.read([1]);
  const { promise, resolve } = Promise.withResolvers<void>();
  world.rigged.hold = promise;
  world.clock.advance(10 * SECOND);
  await world.put(world.plain, "long", 1, 2);
  const slow = world.read([1, 2]);
  await new Promise((done) => setImmediate(done));
  world.clock.advance(1);
  resolve();
  expect((await slow)[0]?.[2]).toEqual(P(2n));
});

test("it is bounded by bytes, says what it does, and forgets what was used longest ago", async () => {
  await using world = new NearWorld({ maxBytes: 3_000 });
  const uses: NearCacheUse[] = [];
  const listen = (use: unknown) => uses.push(use as NearCacheUse);
  nearCacheUses.subscribe(listen);
  for (let id = 0; id < 50; id++) {
    await world.read([id]);
    await world.read([0]);
  }
  await world.rigged.gap("default", "long");
  nearCacheUses.unsubscribe(listen);
  const sum = (key: "hits" | "misses" | "evictions" | "flushes") => uses.reduce((total, use) => total + use[key], 0);
  expect([sum("hits"), sum("misses"), sum("flushes")]).toEqual([50, 50, 1]);
  expect(sum("evictions")).toBeGreaterThan(80);
  expect(Math.max(...uses.map(({ bytes }) => bytes))).toBeLessThanOrEqual(3_000);
  expect(uses.every(({ project, tenant }) => project === "test" && tenant === "default")).toBe(true);
});

test("close, unknown tenants, ended calls and empty reads are as without it", async () => {
  await using world = new NearWorld();
  await world.read([1]);
  const codeOf = (read: Promise<unknown>) =>
    read.then(
      () => "answered",
      (error: unknown) => (isLarderError(error) ? error.code : error),
    );
  expect(await codeOf(world.batch([1], "nobody"))).toBe("UNKNOWN_TENANT");
  expect(await codeOf(world.batch([1], "default", { signal: AbortSignal.abort() }))).toBe("ABORTED");
  expect(await codeOf(world.batch([1], "default", { deadline: 0 }))).toBe("STORE_TIMEOUT");
  expect((await world.batch([])).rowCount).toBe(0);
  await world.store.close();
  expect(await codeOf(world.batch([1]))).toBe("STORE_CLOSED");
});

test("an erased entity is not answered from memory once the erasure is known", async () => {
  await using world = new NearWorld();
  const { definitions, clock } = world;
  for (const id of [1, 2]) await world.put(world.plain, "brief", id, id);
  await world.read([1, 2]);
  const request = { tenant: "default", entity: { customer_id: 1 }, confirmed: true };
  await eraseEntity({ definitions, store: world.plain, clock, settings: { leaseMs: 0, writeMs: 0 } }, request);
  expect((await world.read([1]))[0]?.[0]).toEqual(P(1));
  await world.erasures.refresh("default", { tenant: "default" });
  expect((await world.read([1, 2])).map(([x]) => x)).toEqual([NONE, P(2)]);
});
