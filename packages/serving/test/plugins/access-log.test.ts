import pino from "pino";
import { expect, test } from "vitest";
import { buildApp } from "../../src/index.ts";
import { FEATURES, openWorld } from "../support/world.ts";

/** An app that logs into a list. */
async function openLogged(server: string) {
  const world = await openWorld(`${FEATURES}server: ${server}\n`);
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const app = await buildApp({ ...world, logger });
  const read = (view: string, headers: Record<string, string> = {}) =>
    app.inject({
      method: "POST",
      url: "/get-online-features",
      headers,
      body: { features: [`${view}:age`], entities: { customer_id: [424242] } },
    });
  return {
    app,
    world,
    lines,
    read,
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await world[Symbol.asyncDispose]();
    },
  };
}

test("without an access log only failures of the server are logged, with the request's id and its tenant", async () => {
  await using logged = await openLogged("{}");
  await logged.read("profile");
  await logged.read("nope");
  expect(logged.lines).toEqual([]);
  await logged.world.store.close();
  await logged.read("profile", { "x-request-id": "r-1", "x-larder-tenant": "acme" });
  expect(logged.lines).toHaveLength(1);
  expect(logged.lines[0]).toMatchObject({ request_id: "r-1", tenant: "acme", code: "STORE_CLOSED" });
});

test("an access log that samples nothing still has every error but a 429", async () => {
  await using logged = await openLogged("{ access_log: { sample: 0 }, max_in_flight: 1 }");
  for (let i = 0; i < 20; i++) await logged.read("profile");
  expect(logged.lines).toEqual([]);
  await logged.read("nope");
  const statuses = (await Promise.all([1, 2, 3].map(() => logged.read("profile")))).map(({ statusCode }) => statusCode);
  expect(statuses).toContain(429);
  expect(logged.lines.map(({ status }) => status)).toEqual([404]);
});

test("a sample is near its part, and no line has an entity, a path, a query or a header", async () => {
  await using logged = await openLogged("{ access_log: { sample: 0.5 } }");
  const secret = { authorization: "Bearer secret", cookie: "secret" };
  for (let i = 0; i < 200; i++) await logged.read("profile", secret);
  // 200 throws of a coin are within 40 of the half but once in 100 million.
  expect(Math.abs(logged.lines.length - 100)).toBeLessThan(42);
  logged.lines.length = 0;
  await logged.app.inject({ url: "/nowhere/424242?key=secret", headers: secret });
  await logged.app.inject({ url: "/materialize/jobs/424242", headers: secret });
  expect(logged.lines.map(({ route, status }) => [route, status])).toEqual([
    ["unknown", 404],
    ["/materialize/jobs/:id", 404],
  ]);
  expect(JSON.stringify(logged.lines)).not.toMatch(/424242|secret|nowhere/);
});
