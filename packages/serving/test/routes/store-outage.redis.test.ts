import { formatTime, systemClock } from "@larder/schema";
import { startRedis, startTcpProxy } from "@larder/testkit";
import { expect, test } from "vitest";
import { FEATURES, feastError, openWorld, profileFrame, type World } from "../support/world.ts";

const READ_MS = 150;
const WRITE_MS = 300;
/** What a loaded machine may add to a deadline; the point is that nothing waits for TCP. */
const SLACK_MS = 1000;

const ask = { features: ["profile:plan"], entities: { customer_id: [1] } };

function yaml(connectionString: string): string {
  const store = `{ type: redis, connection_string: "${connectionString}", layout: packed, deadline: ${READ_MS}ms, write_deadline: ${WRITE_MS}ms }`;
  return FEATURES.replace("{ type: memory }", store);
}

/** A world at the present time: Redis expires rows by its own clock. */
async function openToday(connectionString: string): Promise<World> {
  const world = await openWorld(yaml(connectionString));
  world.clock.set(systemClock.now());
  return world;
}

function push(world: World, plan: string) {
  const df = profileFrame([1], { plan, event_timestamp: formatTime(world.clock.now()) });
  return world.post("/push", { push_source_name: "people", df });
}

async function timed(call: () => Promise<{ statusCode: number; body: string }>) {
  const started = performance.now();
  const response = await call();
  return { status: response.statusCode, ms: performance.now() - started };
}

/** Repeats a read until the store is back, for at most 10 s. */
async function recovered(world: World): Promise<unknown> {
  const end = performance.now() + 10_000;
  for (;;) {
    const response = await world.post("/get-online-features", ask);
    if (response.statusCode === 200) return response.json().results[1].values[0];
    if (performance.now() > end) throw new Error(`still ${response.statusCode}: ${response.body}`);
  }
}

test("a hung or lost Redis is a timely 503 on every route but the live ones, and service resumes by itself", async () => {
  await using redis = await startRedis();
  await using proxy = await startTcpProxy(redis);
  await using world = await openToday(proxy.connectionString);
  expect((await push(world, "kept")).statusCode).toBe(200);
  expect(await recovered(world)).toBe("kept");

  for (const fail of ["hang", "cut"] as const) {
    proxy[fail]();
    const read = await timed(() => world.post("/get-online-features", ask));
    expect(read.status).toBe(503);
    expect(read.ms).toBeLessThan(READ_MS + SLACK_MS);
    const write = await timed(() => push(world, "kept"));
    expect(write.status).toBe(503);
    expect(write.ms).toBeLessThan(WRITE_MS + SLACK_MS);
    const ready = await timed(() => world.get("/readyz"));
    expect(ready.status).toBe(503);
    expect(ready.ms).toBeLessThan(READ_MS + SLACK_MS);
    expect((await world.get("/livez")).statusCode).toBe(200);
    expect((await world.get("/health")).statusCode).toBe(200);
    proxy.resume();
    expect(await recovered(world)).toBe("kept");
    expect((await world.get("/readyz")).statusCode).toBe(200);
  }
});

test("a killed Redis is a 503 that names no address, and an empty one in its place reads NOT_FOUND", async () => {
  await using redis = await startRedis();
  await using world = await openToday(redis.connectionString);
  await push(world, "lost");
  expect(await recovered(world)).toBe("lost");
  await redis.kill();
  const response = await world.post("/get-online-features", ask);
  expect([response.statusCode, response.headers["retry-after"]]).toEqual([503, "1"]);
  expect(feastError(response)["code"]).toMatch(/^STORE_(UNAVAILABLE|TIMEOUT)$/);
  expect(response.body).not.toContain(String(redis.port));
  await redis.restart();
  expect(await recovered(world)).toBeNull();
});
