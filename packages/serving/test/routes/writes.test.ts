import { WriteAnswer } from "@larder/contract";
import { Compile } from "typebox/compile";
import { expect, test } from "vitest";
import { feastError, NOW, openWorld, profileFrame, type World } from "../support/world.ts";

const answers = Compile(WriteAnswer);
const none = { applied: 0, duplicate: 0, stale: 0, expired: 0, conflict: 0 };

async function valuesOf(world: World, feature: string, customers: readonly unknown[]) {
  const response = await world.post("/get-online-features", {
    features: [feature],
    entities: { customer_id: customers },
  });
  return response.json().results[1];
}

test("a push feeds every view of its source and counts outcomes per view", async () => {
  await using world = await openWorld();
  const df = { ...profileFrame([1, 2]), zzz: [1, 2] };
  const first = await world.post("/push", { push_source_name: "people", df, to: "online", allow_registry_cache: true });
  expect(first.statusCode).toBe(200);
  expect(answers.Check(first.json())).toBe(true);
  expect(first.json()).toEqual({
    views: [
      { ...none, feature_view: "profile", rows: 2, applied: 2 },
      { ...none, feature_view: "clicks", rows: 2, applied: 2 },
    ],
    ignored_columns: ["zzz"],
  });
  const again = await world.post("/push", { push_source_name: "people", df });
  expect(again.json().views[0]).toEqual({ ...none, feature_view: "profile", rows: 2, duplicate: 2 });
  expect((await valuesOf(world, "clicks:count_7d", [1, 2])).values).toEqual([3, 3]);
});

test("older rows are stale, later created corrects an equal event time, rows past their life expire", async () => {
  await using world = await openWorld();
  const push = async (overrides: Record<string, unknown>) =>
    (await world.post("/push", { push_source_name: "people", df: profileFrame([1], overrides) })).json().views[0];
  expect(await push({ plan: "a" })).toMatchObject({ applied: 1 });
  expect(await push({ plan: "b", event_timestamp: "2023-12-31T23:59:59.999999Z" })).toMatchObject({ stale: 1 });
  expect(await push({ plan: "c", created: "2024-01-01T00:00:01" })).toMatchObject({ applied: 1, conflict: 0 });
  expect(await push({ plan: "d", event_timestamp: "2023-12-31T21:59:59Z" })).toMatchObject({ expired: 1 });
  expect((await valuesOf(world, "profile:plan", [1])).values).toEqual(["c"]);
});

test("times with an offset, naive times and dates are read as UTC", async () => {
  await using world = await openWorld();
  const write = (customer: number, event_timestamp: string) =>
    world.post("/write-to-online-store", {
      feature_view_name: "other",
      df: { customer_id: [customer], age: [1], event_timestamp: [event_timestamp] },
    });
  expect((await write(1, "2024-01-01T02:00:00.123456+02:00")).statusCode).toBe(200);
  expect((await write(2, "2023-12-31T12:00:00")).statusCode).toBe(200);
  expect((await write(3, "2023-12-31")).statusCode).toBe(200);
  expect((await valuesOf(world, "other:age", [1, 2, 3])).event_timestamps).toEqual([
    "2024-01-01T00:00:00.123456Z",
    "2023-12-31T12:00:00Z",
    "2023-12-31T00:00:00Z",
  ]);
});

test("a bad row refuses the whole push: every row and reason is listed, and no view is touched", async () => {
  await using world = await openWorld();
  const df = profileFrame([1, 2, 3]);
  (df["age"] as unknown[])[1] = 1.5;
  (df["plan"] as unknown[])[2] = 5;
  const response = await world.post("/push", { push_source_name: "people", df });
  expect(response.statusCode).toBe(422);
  const error = feastError(response);
  expect(error).toMatchObject({
    module: "feast.errors",
    class: "FeastError",
    code: "INVALID_ROWS",
    field: "age",
    problems_total: 2,
  });
  expect(error["problems"]).toMatchObject([
    { place: "row 1", field: "age" },
    { place: "row 2", field: "plan" },
  ]);
  expect((await valuesOf(world, "profile:plan", [1, 2, 3])).statuses).toEqual(["NOT_FOUND", "NOT_FOUND", "NOT_FOUND"]);
  expect((await valuesOf(world, "clicks:count_7d", [1, 2, 3])).statuses).toEqual([
    "NOT_FOUND",
    "NOT_FOUND",
    "NOT_FOUND",
  ]);
});

const LATE = "2024-01-01T00:00:02Z";
const with3 = (column: string, last: unknown) => {
  const df = profileFrame([1, 2, 3]);
  df[column] = [...(df[column] ?? [null, null, null]).slice(0, 2), last];
  return df;
};
const others = (last: Record<string, unknown>) => {
  const rows = [{ customer_id: 1 }, { customer_id: 2 }, { customer_id: 3, ...last }].map((row) => ({
    age: 1,
    event_timestamp: "2024-01-01T00:00:01Z",
    ...row,
  }));
  const names = ["customer_id", "age", "event_timestamp"] as const;
  return Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])]));
};

// profile is the first view of the source, clicks the second; only clicks has no patience for times ahead.
test.each([
  ["/push", "a value of the first view", { push_source_name: "people", df: with3("tags", ["a", 1]) }, "tags"],
  ["/push", "a value of the second view", { push_source_name: "people", df: with3("count_7d", "many") }, "count_7d"],
  ["/push", "a null join key", { push_source_name: "people", df: with3("customer_id", null) }, "customer_id"],
  [
    "/push",
    "a time that only the second view refuses",
    { push_source_name: "people", df: with3("event_timestamp", LATE) },
    "event_timestamp",
  ],
  ["/write-to-online-store", "a value", { feature_view_name: "other", df: others({ age: 2 ** 31 }) }, "age"],
  [
    "/write-to-online-store",
    "no event time",
    { feature_view_name: "other", df: others({ event_timestamp: null }) },
    "event_timestamp",
  ],
  [
    "/write-to-online-store",
    "a join key over its limit",
    { feature_view_name: "other", df: others({ customer_id: "9223372036854775808" }) },
    "customer_id",
  ],
  [
    "/delete-from-online-store",
    "a join key",
    { feature_view_name: "other", entities: { customer_id: [1, 2, "x"] }, event_timestamp: LATE },
    "customer_id",
  ],
])(
  "%s with %s wrong in its last row alone names that row, and leaves every row of every view as it was",
  async (url, _, body, field) => {
    await using world = await openWorld();
    const before = {
      feature_view_name: "other",
      df: { customer_id: [1, 2, 3], age: [7, 7, 7], event_timestamp: [NOW, NOW, NOW] },
    };
    expect((await world.post("/write-to-online-store", before)).statusCode).toBe(200);
    const response = await world.post(url, body);
    const error = url.startsWith("/delete") ? response.json() : feastError(response);
    expect([response.statusCode, error["code"], error["problems_total"]]).toEqual([422, "INVALID_ROWS", 1]);
    expect(error["problems"]).toEqual([
      { place: "row 2", field, what: expect.any(String), remedy: expect.any(String) },
    ]);
    expect((await valuesOf(world, "other:age", [1, 2, 3])).values).toEqual([7, 7, 7]);
    for (const feature of ["profile:plan", "clicks:count_7d"])
      expect((await valuesOf(world, feature, [1, 2, 3])).statuses).toEqual(["NOT_FOUND", "NOT_FOUND", "NOT_FOUND"]);
  },
);

test("rows that are bad for several views of a source are all listed, each once per column", async () => {
  await using world = await openWorld();
  const df = profileFrame([1, 2]);
  df["age"] = [1.5, 1];
  df["count_7d"] = [1, "many"];
  df["customer_id"] = [1, null];
  const error = feastError(await world.post("/push", { push_source_name: "people", df }));
  const places = (error["problems"] as { place: string; field: string }[]).map(({ place, field }) => [place, field]);
  expect(places).toEqual([
    ["row 0", "age"],
    ["row 1", "customer_id"],
    ["row 1", "count_7d"],
  ]);
});

test("a row too far ahead for the second view of a source leaves the first view untouched", async () => {
  await using world = await openWorld();
  const df = profileFrame([1], { event_timestamp: "2024-01-01T00:00:02Z" });
  const response = await world.post("/push", { push_source_name: "people", df });
  expect(response.statusCode).toBe(422);
  expect(feastError(response)).toMatchObject({ code: "INVALID_ROWS", field: "event_timestamp" });
  expect((await valuesOf(world, "profile:plan", [1])).statuses).toEqual(["NOT_FOUND"]);
});

test("a deletion beats older rows, loses to newer ones, and takes no other column", async () => {
  await using world = await openWorld();
  const write = (age: number, event_timestamp: string) =>
    world.post("/write-to-online-store", {
      feature_view_name: "other",
      df: { customer_id: [1], age: [age], event_timestamp: [event_timestamp] },
    });
  const remove = (entities: unknown, event_timestamp: unknown = NOW) =>
    world.post("/delete-from-online-store", { feature_view_name: "other", entities, event_timestamp });
  await write(1, NOW);
  expect((await remove({ customer_id: [1] })).json().views[0]).toMatchObject({ applied: 1 });
  expect((await valuesOf(world, "other:age", [1])).statuses).toEqual(["NOT_FOUND"]);
  expect((await write(2, NOW)).json().views[0]).toMatchObject({ stale: 1 });
  expect((await write(3, "2024-01-01T00:00:01Z")).json().views[0]).toMatchObject({ applied: 1 });
  expect((await remove({ customer_id: [1] })).json().views[0]).toMatchObject({ stale: 1 });
  expect((await valuesOf(world, "other:age", [1])).values).toEqual([3]);

  const stray = await remove({ customer_id: [1], age: [3] });
  expect([stray.statusCode, stray.json().code, stray.json().field]).toEqual([422, "INVALID_REQUEST", "entities.age"]);
  const time = await remove({ customer_id: [1] }, "yesterday");
  expect([time.statusCode, time.json().code, time.json().field]).toEqual([422, "INVALID_ROWS", "event_timestamp"]);
});

test("the row of a view without entities is deleted without a name", async () => {
  await using world = await openWorld();
  await world.post("/write-to-online-store", {
    feature_view_name: "totals",
    df: { customers: [5], event_timestamp: [NOW] },
  });
  const body = { feature_view_name: "totals", entities: {}, event_timestamp: NOW };
  expect((await world.post("/delete-from-online-store", body)).json().views[0]).toMatchObject({ rows: 1, applied: 1 });
  const stray = await world.post("/delete-from-online-store", { ...body, entities: { customer_id: [1] } });
  expect([stray.statusCode, stray.json().field]).toEqual([422, "entities.customer_id"]);
});

test("deleting by part of a composite key is refused", async () => {
  await using world = await openWorld();
  const response = await world.post("/delete-from-online-store", {
    feature_view_name: "usage",
    entities: { customer_id: [1] },
    event_timestamp: NOW,
  });
  expect([response.statusCode, response.json().code, response.json().field]).toEqual([
    422,
    "INVALID_ROWS",
    "product_code",
  ]);
});
