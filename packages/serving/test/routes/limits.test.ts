import { connect } from "node:net";
import { expect, test } from "vitest";
import { FEATURES, openWorld, type World } from "../support/world.ts";

/** Sends raw bytes to a listening app and answers all it said until the connection ended. */
async function talk(world: World, ...parts: readonly string[]): Promise<string> {
  const socket = connect(portOf(world), "127.0.0.1");
  let said = "";
  socket.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  for (const part of parts) socket.write(part);
  return new Promise((resolve, reject) => socket.on("close", () => resolve(said)).on("error", reject));
}

function portOf(world: World): number {
  const [address] = world.app.addresses();
  if (typeof address !== "object") throw new Error("the app does not listen");
  return address.port;
}

async function listening(server: string): Promise<World> {
  const world = await openWorld(`${FEATURES}server: { ${server} }\n`);
  await world.app.listen({ host: "127.0.0.1", port: 0 });
  return world;
}

function problemIn(said: string): Record<string, unknown> {
  expect(said).toContain("content-type: application/problem+json");
  return JSON.parse(said.slice(said.indexOf("\r\n\r\n") + 4));
}

test("headers over the limit are 431, and the connection ends", async () => {
  await using world = await listening("header_limit: 4KiB");
  const said = await talk(world, `GET /livez HTTP/1.1\r\nhost: x\r\nx-long: ${"a".repeat(5000)}\r\n\r\n`);
  expect(said).toMatch(/^HTTP\/1\.1 431 /);
  expect(problemIn(said)).toMatchObject({ status: 431, code: "HEADERS_TOO_LARGE" });
});

test("headers that do not arrive in time are 408", async () => {
  await using world = await listening("headers_timeout: 200ms, request_timeout: 5s");
  const said = await talk(world, "GET /livez HTTP/1.1\r\nhost: x\r\n");
  expect(said).toMatch(/^HTTP\/1\.1 408 /);
  expect(problemIn(said)).toMatchObject({ status: 408, code: "REQUEST_TIMEOUT" });
});

test("a body that does not arrive in time is 408", async () => {
  await using world = await listening("headers_timeout: 200ms, request_timeout: 300ms");
  const said = await talk(
    world,
    "POST /push HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
  );
  expect(said).toMatch(/^HTTP\/1\.1 408 /);
});

test("bytes that are no HTTP are 400", async () => {
  await using world = await listening("port: 0");
  const said = await talk(world, "hello\r\n\r\n");
  expect(said).toMatch(/^HTTP\/1\.1 400 /);
  expect(problemIn(said)).toMatchObject({ code: "MALFORMED_REQUEST" });
});

test("a body of 10 MB is 413 under the default limits, announced or chunked, and counted", async () => {
  await using world = await listening("port: 0");
  const url = `http://127.0.0.1:${portOf(world)}/push`;
  const body = JSON.stringify({ push_source_name: "people", df: { plan: ["x".repeat(10_000_000)] } });
  const headers = { "content-type": "application/json" };
  const announced = await fetch(url, { method: "POST", headers, body }).catch(() => undefined);
  // A server that answers before it has read everything may reset the connection; what it answered is 413 either way.
  if (announced !== undefined) expect(announced.status).toBe(413);
  const injected = await world.post("/push", body);
  expect([injected.statusCode, JSON.parse(injected.json()).code]).toEqual([413, "PAYLOAD_TOO_LARGE"]);
  expect((await world.get("/metrics")).body).toMatch(/larder_errors_total\{code="PAYLOAD_TOO_LARGE"\} [12]/);
});

test("closing the app lets a request finish and ends idle connections", async () => {
  const world = await listening("port: 0");
  const port = portOf(world);
  const idle = connect(port, "127.0.0.1");
  const closed = new Promise((resolve) => idle.on("close", resolve));
  await new Promise((resolve) => idle.on("connect", resolve));
  const answer = fetch(`http://127.0.0.1:${port}/livez`);
  expect((await answer).status).toBe(200);
  await world[Symbol.asyncDispose]();
  await closed;
});
