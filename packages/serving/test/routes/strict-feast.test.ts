import type { FeatureRow } from "@larder/schema";
import { expect, test } from "vitest";
import { FEATURES, feastError, NOW, openWorld, profileFrame, type World } from "../support/world.ts";

const HOUR = 3_600_000_000;
const EPOCH = "1970-01-01T00:00:00Z";
const PLANS = { features: ["profile:plan", "profile:age"], entities: { customer_id: [1, 2] } };

async function push(world: World, df: unknown, prefix = "/feast") {
  return world.post(`${prefix}/push`, { push_source_name: "people", df });
}

test("a strict answer has no TTL and no NULL_VALUE, finds no missing row off Redis, and has nothing that is Larder's own", async () => {
  await using world = await openWorld();
  expect((await push(world, profileFrame([1], { plan: null, avatar: null }))).body).toBe("");
  world.clock.advance(1.5 * HOUR);
  const answer = await world.post("/feast/get-online-features", PLANS);
  expect(answer.json()).toEqual({
    results: [
      { values: [1, 2], statuses: ["PRESENT", "PRESENT"], event_timestamps: [EPOCH, EPOCH] },
      { values: [null, null], statuses: ["PRESENT", "NOT_FOUND"], event_timestamps: [NOW, EPOCH] },
      { values: [40, null], statuses: ["PRESENT", "NOT_FOUND"], event_timestamps: [NOW, EPOCH] },
    ],
    metadata: { feature_names: ["customer_id", "plan", "age"] },
  });
  const plain = (await world.post("/get-online-features", PLANS)).json();
  expect(plain.results[2]).toEqual({
    values: [null, null],
    statuses: ["OUTSIDE_MAX_AGE", "NOT_FOUND"],
    event_timestamps: [NOW, EPOCH],
  });
});

test("NaN, infinities and whole floats are written as Python's server writes them", async () => {
  await using world = await openWorld();
  const view = world.definitions.views.get("usage");
  if (view === undefined) throw new Error("no view");
  const values = [Number.NaN, Infinity, -Infinity, 2, -0, 0.5, 2 ** 70];
  const rows = values.map(
    (value, i): FeatureRow => ({
      entityKey: [BigInt(i), "p"],
      eventTime: world.clock.now(),
      createdTime: undefined,
      values: [Math.fround(value)],
    }),
  );
  await world.store.write(view, rows, { tenant: "default" });
  const body = {
    features: ["usage:minutes"],
    entities: { customer_id: values.map((_, i) => i), product_code: values.map(() => "p") },
  };
  const strict = await world.post("/feast/get-online-features", body);
  expect(strict.body).toContain('"values":["NaN","Infinity","-Infinity",2.0,-0.0,0.5,1.1805916207174113e+21]');
  const plain = await world.post("/get-online-features", body);
  expect(plain.body).toContain('"values":[null,null,null,2,-0,0.5,1.1805916207174113e+21]');
});

test("values are taken as Python takes them, and join keys that nothing asks for are echoed", async () => {
  await using world = await openWorld();
  const pushed = await push(
    world,
    profileFrame(["1"], {
      age: "7",
      points: 7.9,
      score: "0.5",
      vip: 1,
      plan: 5,
      avatar: null,
      joined: "12",
      count_7d: true,
    }),
  );
  expect(pushed.statusCode, pushed.body).toBe(200);
  const features = ["age", "points", "score", "vip", "plan", "joined"].map((name) => `profile@latest:${name}`);
  const answer = await world.post("/feast/get-online-features", {
    features: [...features, "clicks:count_7d"],
    entities: { product_code: ["p"], customer_id: [true], zzz: [null] },
    full_feature_names: "no",
  });
  expect(answer.statusCode, answer.body).toBe(200);
  expect(answer.json().metadata.feature_names).toEqual([
    "product_code",
    "customer_id",
    ...["age", "points", "score", "vip", "plan", "joined", "count_7d"],
  ]);
  const values = answer.json().results.map(({ values: [value] }: { values: unknown[] }) => value);
  expect(values).toEqual(["p", 1, 7, 7, 0.5, true, "5", 12, 1]);
});

test("a number as event time counts nanoseconds; a frame of nulls and an empty one are left out", async () => {
  await using world = await openWorld(FEATURES.replace("online_ttl: 1h", "online_ttl: none"));
  const seconds = Math.floor(world.clock.now() / 1e6) - 10;
  const row = { feature_view_name: "other", df: { customer_id: [1], age: [3], event_timestamp: ["T"] } };
  const written = await world.post(
    "/feast/write-to-online-store",
    JSON.stringify(row).replace('"T"', `${seconds}500000000`),
  );
  expect([written.statusCode, written.body]).toEqual([200, "null"]);
  const read = async (customer: number) =>
    (
      await world.post("/feast/get-online-features", { features: ["other:age"], entities: { customer_id: [customer] } })
    ).json().results[1];
  expect(await read(1)).toMatchObject({ values: [3], event_timestamps: ["2023-12-31T23:59:50.500Z"] });

  for (const df of [{}, { customer_id: [] }, { customer_id: [2], age: [null], event_timestamp: [NOW] }]) {
    const left = await world.post("/feast/write-to-online-store", { feature_view_name: "other", df });
    expect([left.statusCode, left.body]).toEqual([200, "null"]);
  }
  expect((await read(2)).statuses).toEqual(["NOT_FOUND"]);
});

test.each([
  ["a body that is no map", "/push", "[1]", 422, /model_attributes_type/],
  ["no body", "/push", "", 422, /"loc":\["body"\],"msg":"Field required","input":null/],
  ["a flag that is none", "/push", { push_source_name: "people", df: {}, transform_on_write: [] }, 422, /bool_type/],
  ["two faults", "/push", { push_source_name: 1, df: 2 }, 422, /string_type.*dict_type/],
  ["a frame of scalars", "/push", { push_source_name: "people", df: { a: 1 } }, 500, /all scalar values/],
  [
    "a text that is no integer",
    "/get-online-features",
    { ...PLANS, entities: { customer_id: ["a'b"] } },
    500,
    /base 10: \\"a'b\\"/,
  ],
  ["an unknown feature", "/get-online-features", { ...PLANS, features: ["profile:é"] }, 500, /Feature é not found/],
  [
    "an unknown service",
    "/get-online-features",
    { ...PLANS, feature_service: "é" },
    404,
    /Feature service \\\\u00e9 does/,
  ],
  [
    "a version",
    "/get-online-features",
    { ...PLANS, features: ["profile@V02:plan"] },
    500,
    /'profile@v2' not supported/,
  ],
  ["an unknown view", "/materialize", { feature_views: ["zzz"] }, 404, /FeatureViewNotFoundException/],
  [
    "a bad flag in the query",
    "/materialize?async=zz",
    { start_ts: NOW, end_ts: "2024-01-02" },
    422,
    /"loc":\["query","async"\]/,
  ],
])("%s is refused as Feast refuses it", async (_, path, body, status, words) => {
  await using world = await openWorld();
  const answer = await world.post(`/feast${path}`, body);
  expect([answer.statusCode, answer.body]).toEqual([status, expect.stringMatching(words)]);
  expect(answer.headers["content-type"]).toContain("application/json");
});

test("what Feast would store and nobody meant is refused with the rows, and no view is touched", async () => {
  await using world = await openWorld();
  const df = profileFrame([1, 2, 3], { avatar: null });
  // Right for the first view, wrong in the last row of the second.
  df["count_7d"] = [1, 2, [3]];
  const refused = await push(world, df);
  expect([refused.statusCode, feastError(refused)["problems"]]).toEqual([
    422,
    [expect.objectContaining({ place: "row 2", field: "count_7d" })],
  ]);
  const ahead = await push(world, profileFrame([1], { avatar: null, event_timestamp: "2024-01-01T00:00:02Z" }));
  expect([ahead.statusCode, feastError(ahead)["code"]]).toEqual([422, "INVALID_ROWS"]);
  const read = await world.post("/feast/get-online-features", PLANS);
  expect(read.json().results[1].statuses).toEqual(["NOT_FOUND", "NOT_FOUND"]);
});

test("other methods and paths are refused in FastAPI's words, below a tenant, too", async () => {
  await using world = await openWorld();
  for (const prefix of ["/feast", "/t/acme/feast"]) {
    const method = await world.get(`${prefix}/push`);
    expect([method.statusCode, method.headers["allow"], method.body]).toEqual([
      405,
      "POST",
      '{"detail":"Method Not Allowed"}',
    ]);
    const path = await world.get(`${prefix}/zzz`);
    expect([path.statusCode, path.body]).toEqual([404, '{"detail":"Not Found"}']);
  }
  expect((await world.get("/zzz")).body).toContain("UNKNOWN_ROUTE");
  expect((await world.get("/feast/health")).statusCode).toBe(200);
  expect((await push(world, profileFrame([1], { avatar: null }), "/t/acme/feast")).statusCode).toBe(200);
  const answer = await world.post("/t/acme/feast/get-online-features", PLANS);
  expect(answer.json().results[1].values).toEqual(["gold", null]);
  expect((await world.post("/feast/get-online-features", PLANS)).json().results[1].values).toEqual([null, null]);
});

test("strict_feast at a service makes its answers strict, and no other's; requests are judged as ever", async () => {
  await using world = await openWorld(
    FEATURES.replace("{ name: profile_v1, features", "{ name: profile_v1, strict_feast: true, features"),
  );
  await push(world, profileFrame([1], { plan: null, avatar: null }));
  const { entities } = PLANS;
  const service = (await world.post("/get-online-features", { feature_service: "profile_v1", entities })).json();
  expect([service.results[1].statuses, service.metadata.degraded]).toEqual([["PRESENT", "NOT_FOUND"], undefined]);
  const list = (await world.post("/get-online-features", PLANS)).json();
  expect([list.results[1].statuses, list.metadata.degraded]).toEqual([["NULL_VALUE", "NOT_FOUND"], false]);
  const bad = await world.post("/get-online-features", {
    feature_service: "profile_v1",
    entities: { customer_id: [1.5] },
  });
  expect(bad.statusCode).toBe(422);
});

test("strict_feast for the whole server makes Feast's routes strict at their own paths, and leaves the others", async () => {
  await using world = await openWorld(`${FEATURES}server: { strict_feast: true }\n`);
  expect((await push(world, profileFrame([1], { plan: null, avatar: null }), "")).body).toBe("");
  expect((await push(world, profileFrame([1], { plan: "a", avatar: null }), "/t/acme")).body).toBe("");
  const answer = (await world.post("/get-online-features", PLANS)).json();
  expect([answer.results[1].statuses, answer.metadata.degraded]).toEqual([["PRESENT", "NOT_FOUND"], undefined]);
  expect((await world.get("/get-online-features")).body).toBe('{"detail":"Method Not Allowed"}');
  expect((await world.get("/health")).statusCode).toBe(200);
  expect((await world.get("/livez")).json()).toEqual({ status: "alive" });
  expect((await world.get("/zzz")).body).toContain("UNKNOWN_ROUTE");
  const { paths } = (await world.get("/openapi.json")).json();
  const { responses } = paths["/push"].post;
  expect(responses["200"].content).toBeUndefined();
});
