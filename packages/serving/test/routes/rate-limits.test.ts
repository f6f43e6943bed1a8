import { once } from "node:events";
import { connect } from "node:net";
import { ROUTES } from "@larder/contract";
import { until } from "@larder/testkit";
import { expect, test } from "vitest";
import { FEATURES, feastError, openWorld, profileFrame, type World } from "../support/world.ts";

const ask = { features: ["profile:plan"], entities: { customer_id: [1] } };

function read(world: World, tenant: string) {
  return world.post("/get-online-features", ask, { "x-larder-tenant": tenant });
}

test("a tenant above its rate is 429 with the seconds to wait, before its body is read; others and probes are spared", async () => {
  await using world = await openWorld(FEATURES.replace("  acme: {", "  acme: { requests_per_second: 0.5,"));
  expect((await read(world, "acme")).statusCode).toBe(200);
  const refused = await read(world, "acme");
  expect([refused.statusCode, refused.headers["retry-after"]]).toEqual([429, "2"]);
  expect(feastError(refused)).toMatchObject({ code: "RATE_LIMITED" });
  const flood = await world.post("/predict", "not JSON", { "x-larder-tenant": "acme" });
  expect([flood.statusCode, flood.json().code]).toEqual([429, "RATE_LIMITED"]);
  expect((await read(world, "default")).statusCode).toBe(200);
  for (const { path } of [ROUTES.livez, ROUTES.readyz, ROUTES.health, ROUTES.metrics]) {
    const response = await world.app.inject({ url: path, headers: { "x-larder-tenant": "acme" } });
    expect([path, response.statusCode]).toEqual([path, 200]);
  }
  world.clock.advance(2_000_000);
  expect((await read(world, "acme")).statusCode).toBe(200);
  expect((await world.get("/metrics")).body).toContain('larder_limited_requests_total{tenant="acme",status="rate"} 2');
});

test("a tenant above its share is 429 while another is served; requests that were given up free their place", async () => {
  await using world = await openWorld(`${FEATURES}server: { max_in_flight: 2 }\n`);
  await world.app.listen({ host: "127.0.0.1", port: 0 });
  const [address] = world.app.addresses();
  if (typeof address !== "object") throw new Error("the app does not listen");
  // Requests whose body does not come are under way.
  const half = (tenant: string) => {
    const socket = connect(address.port, "127.0.0.1");
    const head = `POST /push HTTP/1.1\r\nhost: x\r\nx-larder-tenant: ${tenant}\r\n`;
    socket.write(`${head}content-type: application/json\r\ncontent-length: 9\r\n\r\n{`);
    return socket;
  };
  const underWay = (tenant: string, count: number) =>
    until(10_000, `${count} requests of ${tenant} are under way`, async () =>
      (await world.get("/metrics")).body.includes(`larder_requests_under_way{tenant="${tenant}"} ${count}\n`),
    );
  const sockets = [half("acme"), half("acme")];
  await underWay("acme", 2);
  const refused = await read(world, "acme");
  expect([refused.statusCode, refused.headers["retry-after"]]).toEqual([429, "1"]);
  const other = await world.post("/push", { push_source_name: "people", df: profileFrame([1]) });
  expect(other.statusCode, other.body).toBe(200);
  for (const socket of sockets) socket.destroy();
  await until(10_000, "acme is served again", async () => (await read(world, "acme")).statusCode === 200);
  const { body } = await world.get("/metrics");
  expect(body).toMatch(/larder_limited_requests_total\{tenant="acme",status="share"\} \d/);
  expect(body).not.toMatch(/larder_requests_under_way\{/);
  await Promise.all(sockets.map((socket) => socket.closed || once(socket, "close")));
});
