import { GetOnlineFeaturesAnswer } from "@larder/contract";
import { Compile } from "typebox/compile";
import { expect, test } from "vitest";
import { openWorld, profileFrame, type World } from "../support/world.ts";

const HOUR = 3_600_000_000;
const EPOCH = "1970-01-01T00:00:00Z";
const answers = Compile(GetOnlineFeaturesAnswer);

async function read(world: World, body: unknown, query = "") {
  const response = await world.post(`/get-online-features${query}`, body);
  expect(response.statusCode, response.body).toBe(200);
  const answer = response.json();
  expect(answers.Check(answer)).toBe(true);
  return answer;
}

async function push(world: World, df: unknown) {
  const response = await world.post("/push", { push_source_name: "people", df });
  expect(response.statusCode, response.body).toBe(200);
}

test("entity columns come first in the request's order, then features in the order asked for", async () => {
  await using world = await openWorld();
  await world.post("/write-to-online-store", {
    feature_view_name: "usage",
    df: { customer_id: [1], product_code: ["tv-é"], minutes: [2.5], event_timestamp: ["2024-01-01T00:00:00"] },
  });
  const answer = await read(world, {
    features: ["usage:minutes", "profile:plan", "profile:age"],
    entities: { product_code: ["tv-é", "nope"], customer_id: [1, 2] },
  });
  expect(answer.metadata).toEqual({
    feature_names: ["product_code", "customer_id", "minutes", "plan", "age"],
    degraded: false,
  });
  expect(answer.results).toEqual([
    { values: ["tv-é", "nope"], statuses: ["PRESENT", "PRESENT"], event_timestamps: [EPOCH, EPOCH] },
    { values: [1, 2], statuses: ["PRESENT", "PRESENT"], event_timestamps: [EPOCH, EPOCH] },
    { values: [2.5, null], statuses: ["PRESENT", "NOT_FOUND"], event_timestamps: ["2024-01-01T00:00:00Z", EPOCH] },
    { values: [null, null], statuses: ["NOT_FOUND", "NOT_FOUND"], event_timestamps: [EPOCH, EPOCH] },
    { values: [null, null], statuses: ["NOT_FOUND", "NOT_FOUND"], event_timestamps: [EPOCH, EPOCH] },
  ]);
});

test("every value type comes back as it went in, int64 beyond 2^53 exactly", async () => {
  await using world = await openWorld();
  const frame = JSON.stringify({ push_source_name: "people", df: profileFrame(["9007199254740993"], { ids: "IDS" }) })
    .replace('"points":[7]', '"points":[9223372036854775807]')
    .replace('"ids":["IDS"]', '"ids":[[-9223372036854775808,9007199254740993]]');
  expect((await world.post("/push", frame)).statusCode).toBe(200);
  const features = ["age", "points", "score", "income", "vip", "plan", "avatar", "joined", "tags", "ids"].map(
    (name) => `profile:${name}`,
  );
  const body = JSON.stringify({ features, entities: { customer_id: ["ID"] } }).replace('"ID"', "9007199254740993");
  const response = await world.post("/get-online-features", body);
  expect(response.body.match(/"values":\[.*?\],"statuses"/g)?.map((text) => text.slice(9, -11))).toEqual([
    "[9007199254740993]",
    "[40]",
    "[9223372036854775807]",
    "[0.5]",
    "[1200.5]",
    "[true]",
    '["gold"]',
    '["AP8="]',
    "[1700000000]",
    '[["a","é"]]',
    "[[-9223372036854775808,9007199254740993]]",
  ]);
});

test("?age=true adds the age in seconds and the source of every value, beside what Feast's clients read", async () => {
  await using world = await openWorld();
  await push(world, profileFrame([1], { event_timestamp: "2023-12-31T23:59:58.500001Z" }));
  const body = { features: ["profile:plan", "clicks:count_7d"], entities: { customer_id: [1, 2] } };
  const plain = await read(world, body);
  const [entity, ...features] = (await read(world, body, "?age=true")).results;
  expect([entity, ...features.map(({ ages, sources, ...rest }: Record<string, unknown>) => rest)]).toEqual(
    plain.results,
  );
  for (const { ages, sources } of features) {
    expect(ages).toEqual([1.499999, null]);
    expect(sources).toEqual(["store", "store"]);
  }
  world.clock.advance(HOUR);
  const [, late] = (await read(world, body, "?age=true&allow_stale=true")).results;
  expect([late.values[0], late.statuses[0], late.ages[0]]).toEqual(["gold", "OUTSIDE_MAX_AGE", 3601.499999]);

  await world.post("/delete-from-online-store", {
    feature_view_name: "profile",
    entities: { customer_id: [1] },
    event_timestamp: "2024-01-01T00:00:00Z",
  });
  const [, deleted] = (await read(world, body, "?age=true")).results;
  expect([deleted.values[0], deleted.ages[0]]).toEqual([null, null]);
  expect((await read(world, body, "?age=false")).results[1]).not.toHaveProperty("ages");
  const bad = await world.post("/get-online-features?age=1", body);
  expect([bad.statusCode, bad.body]).toEqual([422, expect.stringContaining("age")]);
});

test("2^53 and 2^53 + 1 are two entities", async () => {
  await using world = await openWorld();
  await push(world, profileFrame(["9007199254740993"], { plan: "odd" }));
  await push(world, profileFrame(["9007199254740992"], { plan: "even" }));
  const answer = await read(
    world,
    `{"features":["profile:plan"],"entities":{"customer_id":[9007199254740993,9007199254740992]}}`,
  );
  expect(answer.results[1].values).toEqual(["odd", "even"]);
});

test("statuses tell null, unknown, expired, deleted and present apart, and values past their TTL are withheld", async () => {
  await using world = await openWorld();
  await push(world, profileFrame([1, 2, 3]));
  await push(world, profileFrame([4], { plan: null, vip: null }));
  const gone = await world.post("/delete-from-online-store", {
    feature_view_name: "profile",
    entities: { customer_id: [3] },
    event_timestamp: "2024-01-01T00:00:01Z",
  });
  expect(gone.json()).toEqual({
    views: [{ feature_view: "profile", rows: 1, applied: 1, duplicate: 0, stale: 0, expired: 0, conflict: 0 }],
    ignored_columns: [],
  });
  world.clock.advance(HOUR);
  await push(world, profileFrame([2], { event_timestamp: "2024-01-01T00:30:00.5Z" }));
  const ask = { features: ["profile:plan"], entities: { customer_id: [1, 2, 3, 4, 5] } };

  const atBoundary = await read(world, ask);
  expect(atBoundary.results[1]).toEqual({
    values: ["gold", "gold", null, null, null],
    statuses: ["PRESENT", "PRESENT", "NOT_FOUND", "NULL_VALUE", "NOT_FOUND"],
    event_timestamps: ["2024-01-01T00:00:00Z", "2024-01-01T00:30:00.500Z", EPOCH, "2024-01-01T00:00:00Z", EPOCH],
  });

  world.clock.advance(1);
  const past = await read(world, ask);
  expect(past.results[1].values).toEqual([null, "gold", null, null, null]);
  expect(past.results[1].statuses).toEqual(["OUTSIDE_MAX_AGE", "PRESENT", "NOT_FOUND", "OUTSIDE_MAX_AGE", "NOT_FOUND"]);
  expect(past.results[1].event_timestamps[0]).toBe("2024-01-01T00:00:00Z");

  const stale = await read(world, ask, "?allow_stale=true");
  expect(stale.results[1].values).toEqual(["gold", "gold", null, null, null]);
  expect(stale.results[1].statuses).toEqual(past.results[1].statuses);
  const withheld = await read(world, ask, "?allow_stale=false");
  expect(withheld).toEqual(past);
});

test("NaN and infinities are null with status PRESENT", async () => {
  await using world = await openWorld();
  const view = world.definitions.views.get("usage");
  if (view === undefined) throw new Error("no view");
  const row = (product: string, minutes: number) => ({
    entityKey: [1n, product],
    eventTime: world.clock.now(),
    createdTime: undefined,
    values: [minutes],
  });
  await world.store.write(view, [row("a", Number.NaN), row("b", Number.POSITIVE_INFINITY)], { tenant: "default" });
  const answer = await read(world, {
    features: ["usage:minutes"],
    entities: { customer_id: [1, 1], product_code: ["a", "b"] },
  });
  expect(answer.results[2].values).toEqual([null, null]);
  expect(answer.results[2].statuses).toEqual(["PRESENT", "PRESENT"]);
});

test("a feature service gives its features in its order and wins over features", async () => {
  await using world = await openWorld();
  const answer = await read(world, {
    feature_service: "profile_v1",
    features: ["nope:nope"],
    entities: { customer_id: [1] },
  });
  expect(answer.metadata.feature_names).toEqual(["customer_id", "plan", "age"]);
});

test("full feature names and view metadata", async () => {
  await using world = await openWorld();
  const answer = await read(world, {
    features: ["profile:age", "other:age"],
    entities: { customer_id: [1] },
    full_feature_names: true,
    include_feature_view_version_metadata: true,
  });
  expect(answer.metadata.feature_names).toEqual(["customer_id", "profile__age", "other__age"]);
  expect(answer.metadata.feature_view_metadata).toEqual([{ name: "profile" }, { name: "other" }]);
});

test("entity columns that no view reads and unknown members are ignored, as in Feast", async () => {
  await using world = await openWorld();
  const answer = await read(world, {
    features: ["profile:age"],
    entities: { customer_id: [1], zzz: ["x"] },
    include_metadata: true,
  });
  expect(answer.metadata.feature_names).toEqual(["customer_id", "age"]);
});

test("rows repeat as asked, and an integer key given as text is echoed as a number", async () => {
  await using world = await openWorld();
  await push(world, profileFrame([1], { plan: "one" }));
  await push(world, profileFrame([2], { plan: "two" }));
  const answer = await read(world, { features: ["profile:plan"], entities: { customer_id: [2, "1", 2] } });
  expect(answer.results[0].values).toEqual([2, 1, 2]);
  expect(answer.results[1].values).toEqual(["two", "one", "two"]);
});

test("a view without entities is read with no column or any column", async () => {
  await using world = await openWorld();
  const written = await world.post("/write-to-online-store", {
    feature_view_name: "totals",
    df: { customers: [5], event_timestamp: ["2024-01-01"] },
  });
  expect(written.statusCode, written.body).toBe(200);
  const none = await read(world, { features: ["totals:customers"], entities: {} });
  expect(none.results.map((result: { values: unknown[] }) => result.values)).toEqual([[5]]);
  const dummy = await read(world, { features: ["totals:customers"], entities: { _: ["", ""] } });
  expect(dummy.results.map((result: { values: unknown[] }) => result.values)).toEqual([[5, 5]]);
});

test("answers are the same text while the plan cache forgets and compiles again", async () => {
  await using world = await openWorld();
  await push(world, profileFrame([1]));
  const names = ["age", "points", "score", "income", "vip", "plan", "avatar", "joined", "tags", "ids"];
  const ask = async (features: string[]) =>
    (await world.post("/get-online-features", { features, entities: { customer_id: [1] } })).body;
  const first = await ask(["profile:age"]);
  for (let subset = 1; subset < 1024; subset++) {
    await ask(names.filter((_, bit) => (subset >> bit) % 2 === 1).map((name) => `profile:${name}`));
  }
  expect(await ask(["profile:age"])).toBe(first);
});
