import { connect } from "node:net";
import { expect, test } from "vitest";
import { FEATURES, feastError, openWorld, profileFrame, type World } from "../support/world.ts";

const ask = { features: ["profile:plan"], entities: { customer_id: [1] } };

async function planOf(world: World, tenant?: string): Promise<unknown> {
  const response = await world.post(
    "/get-online-features",
    ask,
    tenant === undefined ? {} : { "x-larder-tenant": tenant },
  );
  expect(response.statusCode, response.body).toBe(200);
  return response.json().results[1].values[0];
}

test("tenants have their own rows, and their own TTL", async () => {
  await using world = await openWorld();
  for (const [tenant, plan] of [
    ["default", "d"],
    ["acme", "a"],
    ["Z%C3%BCrich%2C%20Ost", "z"],
  ] as const) {
    const df = profileFrame([1], { plan });
    const pushed = await world.post("/push", { push_source_name: "people", df }, { "x-larder-tenant": tenant });
    expect(pushed.statusCode, pushed.body).toBe(200);
  }
  expect([
    await planOf(world),
    await planOf(world, "default"),
    await planOf(world, "acme"),
    await planOf(world, "Z%C3%BCrich%2C%20Ost"),
  ]).toEqual(["d", "d", "a", "z"]);
  world.clock.advance(3_600_000_001);
  expect([await planOf(world), await planOf(world, "acme")]).toEqual([null, "a"]);
});

test.each([
  ["nobody", 404, "UNKNOWN_TENANT"],
  ["Acme", 404, "UNKNOWN_TENANT"],
  ["constructor", 404, "UNKNOWN_TENANT"],
  ["a".repeat(5000), 404, "UNKNOWN_TENANT"],
  ["", 400, "MALFORMED_REQUEST"],
  ["%", 400, "MALFORMED_REQUEST"],
  ["%zz", 400, "MALFORMED_REQUEST"],
  ["%ff", 400, "MALFORMED_REQUEST"],
  ["acme, acme", 400, "MALFORMED_REQUEST"],
  ["Z\u00fcrich", 400, "MALFORMED_REQUEST"],
])("the tenant header %j is refused", async (tenant, status, code) => {
  await using world = await openWorld();
  const response = await world.post("/get-online-features", ask, { "x-larder-tenant": tenant });
  expect([response.statusCode, feastError(response)["code"]]).toEqual([status, code]);
  expect(response.body.length).toBeLessThan(1000);
});

test("a tenant can be named in the path, percent-encoded, in place of the header or beside it", async () => {
  await using world = await openWorld(FEATURES.replace("tenants:", "tenants:\n  a/b%20c: {}\n  t: {}\n  push: {}"));
  const names = ["acme", "Zürich, Ost", "a/b%20c", "t", "push"];
  for (const name of names) {
    const body = { push_source_name: "people", df: profileFrame([1], { plan: name }) };
    const pushed = await world.post(`/t/${encodeURIComponent(name)}/push`, body);
    expect(pushed.statusCode, pushed.body).toBe(200);
  }
  for (const name of names) {
    const encoded = encodeURIComponent(name);
    expect(await planOf(world, encoded)).toBe(name);
    const read = await world.post(`/t/${encoded}/get-online-features`, ask);
    expect(read.json().results[1].values).toEqual([name]);
    const both = await world.post(`/t/${encoded}/get-online-features`, ask, { "x-larder-tenant": encoded });
    expect(both.json().results[1].values).toEqual([name]);
  }
  expect(await planOf(world)).toBe(null);
});

test.each([
  ["/t//", undefined, 400, "MALFORMED_REQUEST", "path"],
  ["/t/./", undefined, 400, "MALFORMED_REQUEST", "path"],
  ["/t/../", undefined, 400, "MALFORMED_REQUEST", "path"],
  ["/t/%2E%2e/", undefined, 400, "MALFORMED_REQUEST", "path"],
  ["/t/acme/", "default", 400, "MALFORMED_REQUEST", "x-larder-tenant"],
  ["/t/acme/", "", 400, "MALFORMED_REQUEST", "x-larder-tenant"],
  ["/t/acme/", "%zz", 400, "MALFORMED_REQUEST", "x-larder-tenant"],
  ["/t/nobody/", undefined, 404, "UNKNOWN_TENANT", "path"],
  ["/t/constructor/", undefined, 404, "UNKNOWN_TENANT", "path"],
  ["/t/acme%252F/", undefined, 404, "UNKNOWN_TENANT", "path"],
  [`/t/${"%C3%BC".repeat(100)}/`, undefined, 404, "UNKNOWN_TENANT", "path"],
])("a request below %s with the header %j is refused", async (path, header, status, code, field) => {
  await using world = await openWorld();
  const lines = [
    `POST ${path}get-online-features HTTP/1.1`,
    "host: larder",
    "content-type: application/json",
    ...(header === undefined ? [] : [`x-larder-tenant: ${header}`]),
    "content-length: 2",
    "connection: close",
  ];
  // As raw bytes: clients rewrite steps in a path before they send it.
  const answer = await sendRaw(world, `${lines.join("\r\n")}\r\n\r\n{}`);
  expect(answer.status).toBe(status);
  expect(JSON.parse(JSON.parse(answer.body))).toMatchObject({ code, field });
});

test("paths that are not percent-encoded UTF-8 are refused", async () => {
  await using world = await openWorld();
  for (const name of ["%", "%zz", "%ff"]) {
    const response = await world.post(`/t/${name}/get-online-features`, ask);
    expect([name, response.statusCode]).toEqual([name, 400]);
  }
});

test("an unknown tenant is refused by every route that touches rows, before anything else", async () => {
  await using world = await openWorld();
  for (const url of ["/get-online-features", "/push", "/write-to-online-store", "/delete-from-online-store"]) {
    const response = await world.post(url, {}, { "x-larder-tenant": "nobody" });
    expect([url, response.statusCode]).toEqual([url, 404]);
  }
});

/** Sends bytes to a listening app, and answers what came back until it hung up. */
async function sendRaw({ app }: World, bytes: string): Promise<{ readonly status: number; readonly body: string }> {
  const { port, hostname } = new URL(await app.listen({ port: 0, host: "127.0.0.1" }));
  const socket = connect(Number(port), hostname);
  socket.write(bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const [head = "", body = ""] = Buffer.concat(chunks).toString("utf8").split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), body };
}
