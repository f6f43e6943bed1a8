import { ProblemBody } from "@larder/contract";
import { Compile } from "typebox/compile";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CHURN } from "../support/churn.ts";
import { FEATURES, feastError, NOW, openWorld, profileFrame, type World } from "../support/world.ts";

const problems = Compile(ProblemBody);

const LIMITS = "server: { max_rows: 3, body_limit: 64KiB, json_depth: 8 }\n";

let features: World;
let models: World;
beforeAll(async () => {
  features = await openWorld(FEATURES + LIMITS);
  models = await openWorld(CHURN + LIMITS);
});
afterAll(async () => {
  await features[Symbol.asyncDispose]();
  await models[Symbol.asyncDispose]();
});

/** The world whose definitions a route's case is about. */
const worldOf = (url: string) => (url.includes("predict") ? models : features);

const READ = "/get-online-features";
const read = (body: Record<string, unknown>) => ({
  features: ["profile:plan"],
  entities: { customer_id: [1] },
  ...body,
});
const push = (df: unknown, rest: Record<string, unknown> = {}) => ({ push_source_name: "people", df, ...rest });
const frame = (overrides: Record<string, unknown>) => push(profileFrame([1], overrides));
const without = (name: string) => {
  const { [name]: _gone, ...df } = profileFrame([1]);
  return push(df);
};
const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
const invalidUtf8 = Buffer.concat([Buffer.from('{"features":["profile:pl'), Buffer.from([0xff]), Buffer.from('an"]}')]);
const usage = { customer_id: [1, 2], product_code: ["a", "b"] };

type Case = readonly [name: string, url: string, body: unknown, status: number, code: string, field?: string];

const CASES: readonly Case[] = [
  // reading
  ["an unknown view", READ, read({ features: ["nope:x"] }), 404, "UNKNOWN_VIEW", "features.0"],
  ["an unknown feature", READ, read({ features: ["profile:nope"] }), 404, "UNKNOWN_FEATURE", "features.0"],
  ["an unknown service", READ, read({ feature_service: "nope" }), 404, "UNKNOWN_SERVICE", "feature_service"],
  [
    "a reference without view",
    READ,
    read({ features: ["profile:plan", "plan"] }),
    422,
    "INVALID_REQUEST",
    "features.1",
  ],
  ["a versioned reference", READ, read({ features: ["profile@v2:plan"] }), 404, "UNKNOWN_VIEW", "features.0"],
  ["no features", READ, { entities: { customer_id: [1] } }, 422, "INVALID_REQUEST", "features"],
  ["an empty list of features", READ, read({ features: [] }), 422, "INVALID_REQUEST", "features"],
  ["features that are no list", READ, read({ features: "profile:plan" }), 422, "INVALID_REQUEST", "features"],
  ["a feature that is no text", READ, read({ features: ["profile:plan", 5] }), 422, "INVALID_REQUEST", "features.1"],
  [
    "a feature asked for twice",
    READ,
    read({ features: ["profile:age", "profile:age"] }),
    422,
    "FEATURE_NAME_COLLISION",
    "features",
  ],
  [
    "two features of one name",
    READ,
    read({ features: ["profile:age", "other:age"] }),
    422,
    "FEATURE_NAME_COLLISION",
    "features",
  ],
  ["no entities", READ, { features: ["profile:plan"] }, 422, "INVALID_REQUEST", "entities"],
  ["entities without columns", READ, read({ entities: {} }), 422, "INVALID_REQUEST", "customer_id"],
  ["an empty list of entities", READ, read({ entities: { customer_id: [] } }), 422, "INVALID_REQUEST", "entities"],
  ["entities in rows", READ, read({ entities: [{ customer_id: 1 }] }), 422, "INVALID_REQUEST", "entities"],
  ["a scalar entity", READ, read({ entities: { customer_id: 1 } }), 422, "INVALID_REQUEST", "entities.customer_id"],
  ["a missing join key", READ, read({ entities: { zzz: [1] } }), 422, "INVALID_REQUEST", "customer_id"],
  ["part of a composite key", READ, read({ features: ["usage:minutes"] }), 422, "INVALID_REQUEST", "product_code"],
  [
    "ragged columns",
    READ,
    { features: ["usage:minutes"], entities: { ...usage, product_code: ["a"] } },
    422,
    "INVALID_REQUEST",
    "entities.product_code",
  ],
  ["a null entity", READ, read({ entities: { customer_id: [1, null] } }), 422, "INVALID_REQUEST", "customer_id"],
  [
    "text for an integer key",
    READ,
    read({ entities: { customer_id: ["abc"] } }),
    422,
    "INVALID_REQUEST",
    "customer_id",
  ],
  [
    "a fraction for an integer key",
    READ,
    read({ entities: { customer_id: [1.9] } }),
    422,
    "INVALID_REQUEST",
    "customer_id",
  ],
  ["true for an integer key", READ, read({ entities: { customer_id: [true] } }), 422, "INVALID_REQUEST", "customer_id"],
  [
    "a key beyond int64",
    READ,
    `{"features":["profile:plan"],"entities":{"customer_id":[9223372036854775808]}}`,
    422,
    "INVALID_REQUEST",
    "customer_id",
  ],
  [
    "a number for a text key",
    READ,
    { features: ["usage:minutes"], entities: { ...usage, product_code: [1, 2] } },
    422,
    "INVALID_REQUEST",
    "product_code",
  ],
  [
    "half a surrogate pair in a key",
    READ,
    `{"features":["usage:minutes"],"entities":{"customer_id":[1],"product_code":["\\ud800"]}}`,
    422,
    "INVALID_REQUEST",
    "product_code",
  ],
  ["too many rows", READ, read({ entities: { customer_id: [1, 2, 3, 4] } }), 413, "PAYLOAD_TOO_LARGE", "entities"],
  ["a flag that is no flag", `${READ}?allow_stale=yes`, read({}), 422, "INVALID_REQUEST", "allow_stale"],
  [
    "a switch that is no switch",
    READ,
    read({ full_feature_names: "true" }),
    422,
    "INVALID_REQUEST",
    "full_feature_names",
  ],
  // bodies
  ["no body", READ, "", 400, "MALFORMED_REQUEST", "body"],
  ["half a body", READ, '{"features": [', 400, "MALFORMED_REQUEST"],
  ["a body that is a list", READ, [1], 422, "INVALID_REQUEST", "body"],
  ["a body that is null", READ, "null", 422, "INVALID_REQUEST", "body"],
  ["a duplicate key", READ, '{"features":["profile:plan"],"features":[],"entities":{}}', 400, "MALFORMED_REQUEST"],
  ["a prototype key", READ, '{"features":["profile:plan"],"entities":{"__proto__":[1]}}', 400, "MALFORMED_REQUEST"],
  ["a constructor key", READ, '{"constructor":{"prototype":{}},"entities":{}}', 400, "MALFORMED_REQUEST"],
  ["invalid UTF-8", READ, invalidUtf8, 400, "MALFORMED_REQUEST"],
  ["deep JSON", READ, `{"entities":{"customer_id":[${deep(6)}]}}`, 400, "MALFORMED_REQUEST"],
  ["a number that overflows", READ, '{"entities":{"customer_id":[1e400]}}', 400, "MALFORMED_REQUEST"],
  ["a body over the limit", READ, read({ entities: { customer_id: ["x".repeat(70_000)] } }), 413, "PAYLOAD_TOO_LARGE"],
  // writing
  [
    "an unknown push source",
    "/push",
    push(profileFrame([1]), { push_source_name: "nope" }),
    422,
    "UNKNOWN_PUSH_SOURCE",
    "push_source_name",
  ],
  ["a push without source", "/push", { df: profileFrame([1]) }, 422, "INVALID_REQUEST", "push_source_name"],
  ["a push without rows", "/push", { push_source_name: "people" }, 422, "INVALID_REQUEST", "df"],
  ["a push to the offline store", "/push", push(profileFrame([1]), { to: "offline" }), 422, "INVALID_REQUEST", "to"],
  [
    "a push to both stores",
    "/push",
    push(profileFrame([1]), { to: "online_and_offline" }),
    422,
    "INVALID_REQUEST",
    "to",
  ],
  ["a push to nowhere", "/push", push(profileFrame([1]), { to: "zzz" }), 422, "INVALID_REQUEST", "to"],
  ["an empty frame", "/push", push({}), 422, "INVALID_REQUEST", "df"],
  ["a frame of empty columns", "/push", push(profileFrame([])), 422, "INVALID_REQUEST", "df"],
  ["a ragged frame", "/push", push({ ...profileFrame([1, 2]), plan: ["a"] }), 422, "INVALID_REQUEST", "df.plan"],
  ["a frame of too many rows", "/push", push(profileFrame([1, 2, 3, 4])), 413, "PAYLOAD_TOO_LARGE", "df"],
  ["a column that is no list", "/push", push({ ...profileFrame([1]), plan: "a" }), 422, "INVALID_REQUEST", "df.plan"],
  ["a missing join key column", "/push", without("customer_id"), 422, "INVALID_ROWS", "customer_id"],
  ["a missing feature column", "/push", without("plan"), 422, "INVALID_ROWS", "plan"],
  ["a missing time column", "/push", without("event_timestamp"), 422, "INVALID_ROWS", "event_timestamp"],
  ["a null key", "/push", push(profileFrame([null])), 422, "INVALID_ROWS", "customer_id"],
  ["a null time", "/push", frame({ event_timestamp: null }), 422, "INVALID_ROWS", "event_timestamp"],
  ["a time that is none", "/push", frame({ event_timestamp: "not-a-date" }), 422, "INVALID_ROWS", "event_timestamp"],
  ["a bare number as time", "/push", frame({ event_timestamp: 1780000000 }), 422, "INVALID_ROWS", "event_timestamp"],
  [
    "a time out of range",
    "/push",
    frame({ event_timestamp: "9999-01-01T00:00:00Z" }),
    422,
    "INVALID_ROWS",
    "event_timestamp",
  ],
  [
    "a time far ahead",
    "/push",
    frame({ event_timestamp: "2024-01-01T01:00:01Z" }),
    422,
    "INVALID_ROWS",
    "event_timestamp",
  ],
  ["a created time that is none", "/push", frame({ created: "soon" }), 422, "INVALID_ROWS", "created"],
  ["a fraction for an int32", "/push", frame({ age: 7.9 }), 422, "INVALID_ROWS", "age"],
  ["an int32 beyond its range", "/push", frame({ age: 2147483648 }), 422, "INVALID_ROWS", "age"],
  [
    "an int64 beyond its range",
    "/push",
    JSON.stringify(frame({})).replace('"points":[7]', '"points":[9223372036854775808]'),
    422,
    "INVALID_ROWS",
    "points",
  ],
  ["a float32 beyond its range", "/push", frame({ score: 1e39 }), 422, "INVALID_ROWS", "score"],
  ["text for a number", "/push", frame({ income: "1" }), 422, "INVALID_ROWS", "income"],
  ["1 for a bool", "/push", frame({ vip: 1 }), 422, "INVALID_ROWS", "vip"],
  ["a number for text", "/push", frame({ plan: 5 }), 422, "INVALID_ROWS", "plan"],
  ["text that is no base64", "/push", frame({ avatar: "%%%" }), 422, "INVALID_ROWS", "avatar"],
  ["ISO text for a unix_timestamp", "/push", frame({ joined: NOW }), 422, "INVALID_ROWS", "joined"],
  ["a null inside a list", "/push", frame({ tags: ["a", null] }), 422, "INVALID_ROWS", "tags"],
  [
    "a write to an unknown view",
    "/write-to-online-store",
    { feature_view_name: "nope", df: profileFrame([1]) },
    404,
    "UNKNOWN_VIEW",
    "feature_view_name",
  ],
  [
    "a write without a feature",
    "/write-to-online-store",
    { feature_view_name: "usage", df: { ...usage, event_timestamp: [NOW, NOW] } },
    422,
    "INVALID_ROWS",
    "minutes",
  ],
  [
    "a write by part of a key",
    "/write-to-online-store",
    { feature_view_name: "usage", df: { customer_id: [1], minutes: [1], event_timestamp: [NOW] } },
    422,
    "INVALID_ROWS",
    "product_code",
  ],
  [
    "a delete in an unknown view",
    "/delete-from-online-store",
    { feature_view_name: "nope", entities: { customer_id: [1] }, event_timestamp: NOW },
    404,
    "UNKNOWN_VIEW",
    "feature_view_name",
  ],
  [
    "a delete without time",
    "/delete-from-online-store",
    { feature_view_name: "other", entities: { customer_id: [1] } },
    422,
    "INVALID_REQUEST",
    "event_timestamp",
  ],
  [
    "a delete without rows",
    "/delete-from-online-store",
    { feature_view_name: "other", entities: {}, event_timestamp: NOW },
    422,
    "INVALID_REQUEST",
    "entities",
  ],
  [
    "a delete with a stray member",
    "/delete-from-online-store",
    { feature_view_name: "other", entities: { customer_id: [1] }, event_timestamp: NOW, created: NOW },
    422,
    "INVALID_REQUEST",
    "created",
  ],
  [
    "a delete far ahead",
    "/delete-from-online-store",
    { feature_view_name: "other", entities: { customer_id: [1] }, event_timestamp: "2025-01-01" },
    422,
    "INVALID_ROWS",
    "event_timestamp",
  ],
  // predicting
  ["an unknown model", "/models/nope/predict", { customer_id: 1 }, 404, "UNKNOWN_MODEL", "model"],
  ["a predict without rows", "/predict", { entity_rows: [] }, 422, "INVALID_REQUEST", "entity_rows"],
  ["rows that are no list", "/predict", { entity_rows: { customer_id: 1 } }, 422, "INVALID_REQUEST", "entity_rows"],
  [
    "a row that is no object",
    "/predict",
    { entity_rows: [{ customer_id: 1 }, 5] },
    422,
    "INVALID_REQUEST",
    "entity_rows.1",
  ],
  [
    "rows beside something else",
    "/predict",
    { entity_rows: [{ customer_id: 1 }], customer_id: 1 },
    422,
    "INVALID_REQUEST",
    "customer_id",
  ],
  [
    "a row without its key",
    "/predict",
    { entity_rows: [{ customer_id: 1 }, {}] },
    422,
    "INVALID_REQUEST",
    "customer_id",
  ],
  ["an empty flat row", "/predict", {}, 422, "INVALID_REQUEST", "customer_id"],
  [
    "a row with an unknown name",
    "/predict",
    { entity_rows: [{ customer_id: 1, customer: 2 }] },
    422,
    "INVALID_REQUEST",
    "customer",
  ],
  ["a row with a bad key", "/predict", { customer_id: "abc" }, 422, "INVALID_REQUEST", "customer_id"],
  ["a flat list", "/predict", [1], 422, "INVALID_REQUEST", "body"],
  [
    "too many rows to predict",
    "/predict",
    { entity_rows: [1, 2, 3, 4].map((customer_id) => ({ customer_id })) },
    413,
    "PAYLOAD_TOO_LARGE",
    "entity_rows",
  ],
];

test.for(CASES)("%s on %s is refused with its code", async ([, url, body, status, code, field]) => {
  const response = await worldOf(url).post(url, body);
  const feast = /^\/(get-online|push|write)/.test(url);
  const error = feast ? feastError(response) : response.json();
  expect([response.statusCode, error["code"], error["field"]], response.body).toEqual([status, code, field]);
  if (feast)
    expect(error).toMatchObject({ module: "feast.errors", class: expect.any(String), message: expect.any(String) });
  else expect(problems.Check(error)).toBe(true);
  expect(response.headers["content-type"]).toContain(feast ? "application/json" : "application/problem+json");
  expect(error["request_id"]).toBe(response.headers["x-request-id"]);
  expect(error["remedy"]).toMatch(/\w/);
  expect(response.body).not.toMatch(/\bat .*\.(ts|js):\d|node_modules/);
});

test("after all of it, nothing was written", async () => {
  for (const { store } of [features, models]) {
    for await (const row of store.scan({ tenant: "default" }, { tenant: "default" })) expect(row).toBeUndefined();
  }
});

test("Feast's own error classes are used where Feast has one", async () => {
  const classes: unknown[] = [];
  for (const [url, body] of [
    [READ, read({ features: ["nope:x"] })],
    [READ, read({ feature_service: "nope" })],
    ["/push", push({}, { push_source_name: "nope" })],
    [READ, read({ features: ["profile:age", "other:age"] })],
    [READ, read({ features: [] })],
  ] as const) {
    classes.push(feastError(await features.post(url, body))["class"]);
  }
  expect(classes).toEqual([
    "FeatureViewNotFoundException",
    "FeatureServiceNotFoundException",
    "PushSourceNotFoundException",
    "FeatureNameCollisionError",
    "FeastError",
  ]);
});

test.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "nonsense"])(
  "a body of type %s is 415",
  async (type) => {
    const response = await features.post(READ, JSON.stringify(read({})), { "content-type": type });
    expect([response.statusCode, feastError(response)["code"]]).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
  },
);

test("a content type with parameters is JSON all the same", async () => {
  const response = await features.post(READ, read({}), { "content-type": "application/json; charset=utf-8" });
  expect(response.statusCode).toBe(200);
});

test.each([
  ["GET", READ, "POST", "feast"],
  ["PUT", "/push", "POST", "feast"],
  ["DELETE", "/models/churn/predict", "POST", "problem"],
  ["POST", "/readyz", "GET", "problem"],
] as const)("%s %s is 405 and names the method to use", async (method, url, allow, style) => {
  const response = await worldOf(url).app.inject({ method, url });
  const error = style === "feast" ? feastError(response) : response.json();
  expect([response.statusCode, error["code"], response.headers["allow"]]).toEqual([405, "METHOD_NOT_ALLOWED", allow]);
});

test.each(["/nope", "/models/churn", "/get-online-features/", "/%zz"])("%s is a coded problem", async (url) => {
  const response = await features.get(url);
  const error = response.json();
  expect(problems.Check(error)).toBe(true);
  expect([response.statusCode, error.code]).toEqual(
    url === "/%zz" ? [400, "MALFORMED_REQUEST"] : [404, "UNKNOWN_ROUTE"],
  );
});
