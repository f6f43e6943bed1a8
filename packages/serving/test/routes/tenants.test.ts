import { expect, test } from "vitest";
import { feastError, openWorld, profileFrame, type World } from "../support/world.ts";

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

test("an unknown tenant is refused by every route that touches rows, before anything else", async () => {
  await using world = await openWorld();
  for (const url of ["/get-online-features", "/push", "/write-to-online-store", "/delete-from-online-store"]) {
    const response = await world.post(url, {}, { "x-larder-tenant": "nobody" });
    expect([url, response.statusCode]).toEqual([url, 404]);
  }
});
