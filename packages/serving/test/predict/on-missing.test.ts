import { expect, test } from "vitest";
import { CHURN, FEATURE_NAMES, goldenRows, writeRows } from "../support/churn.ts";
import { openWorld, type World } from "../support/world.ts";

const HOUR = 3_600_000_000;
const rows = goldenRows(true)
  .slice(0, 12)
  .map(({ features }) => features.map((value, index) => value ?? index));
const nulls = rows[0]?.map((value, index) => (index === 1 || index === 6 ? null : value)) ?? [];
const nullDefaultless = rows[0]?.map((value, index) => (index === 3 ? null : value)) ?? [];

const KNOWN = 0;
const UNKNOWN = 99;
const EXPIRED = 1;
const DELETED = 2;
const NULLS = 3;
const NULL_DEFAULTLESS = 4;
/** Every kind of row in one batch, with good ones first, in between and last. */
const BATCH = [KNOWN, UNKNOWN, EXPIRED, KNOWN, DELETED, NULLS, NULL_DEFAULTLESS, KNOWN];

/** The feature that has no default. */
const DEFAULTLESS = `floats:${FEATURE_NAMES[3]}`;
const ALL = FEATURE_NAMES.map((name) => `floats:${name}`);
const allAre = (status: string) => Object.fromEntries(ALL.map((name) => [name, status]));

const FEATURE_STATUS = [
  {},
  allAre("NOT_FOUND"),
  allAre("OUTSIDE_MAX_AGE"),
  {},
  allAre("NOT_FOUND"),
  { [ALL[1] as string]: "NULL_VALUE", [ALL[6] as string]: "NULL_VALUE" },
  { [DEFAULTLESS]: "NULL_VALUE" },
  {},
];

async function openStocked(): Promise<World> {
  const world = await openWorld(CHURN);
  await writeRows(world, "floats", [rows[1] as number[]], EXPIRED);
  world.clock.advance(HOUR + 1);
  const now = "2024-01-01T01:00:00Z";
  await writeRows(world, "floats", [rows[0] as number[]], KNOWN, now);
  await writeRows(world, "floats", [rows[2] as number[], nulls, nullDefaultless], DELETED, now);
  const deleted = await world.post("/delete-from-online-store", {
    feature_view_name: "floats",
    entities: { customer_id: [DELETED] },
    event_timestamp: now,
  });
  expect(deleted.json().views[0].applied).toBe(1);
  return world;
}

async function predict(world: World, model: string, customers: readonly number[]) {
  const response = await world.post(`/models/${model}/predict`, {
    entity_rows: customers.map((customer_id) => ({ customer_id })),
  });
  expect(response.statusCode, response.body).toBe(200);
  return response.json();
}

/** What the model says about a vector as it stands. */
async function asked(world: World, vector: readonly (number | null)[]): Promise<unknown> {
  await writeRows(world, "floats", [vector], 1000, "2024-01-01T01:00:00.5Z");
  const { predictions } = await predict(world, "nan", [1000]);
  await world.store.reset({ tenant: "default", view: "floats", entityKey: "1000" }, { tenant: "default" });
  return predictions[0];
}

test("reject: rows that miss anything answer null with a reason, the others as always", async () => {
  await using world = await openStocked();
  const known = await asked(world, rows[0] as number[]);
  const answer = await predict(world, "reject", BATCH);
  expect(answer.predictions).toEqual([known, null, null, known, null, null, null, known]);
  expect(
    answer.errors.map(({ row, code, features }: { row: number; code: string; features: string[] }) => [
      row,
      code,
      features,
    ]),
  ).toEqual([
    [1, "FEATURE_MISSING", ALL],
    [2, "FEATURE_MISSING", ALL],
    [4, "FEATURE_MISSING", ALL],
    [5, "FEATURE_MISSING", [ALL[1], ALL[6]]],
    [6, "FEATURE_MISSING", [DEFAULTLESS]],
  ]);
  expect(answer.metadata.feature_status).toEqual(FEATURE_STATUS);
});

test("default: features take their defaults, and a row that misses one without default is refused", async () => {
  await using world = await openStocked();
  const known = await asked(world, rows[0] as number[]);
  const defaulted = await asked(
    world,
    rows[0]?.map((value, index) => (index === 1 || index === 6 ? index : value)) ?? [],
  );
  const answer = await predict(world, "default", BATCH);
  expect(answer.predictions).toEqual([known, null, null, known, null, defaulted, null, known]);
  expect(defaulted).not.toEqual(known);
  for (const { features } of answer.errors) expect(features).toEqual([DEFAULTLESS]);
  expect(answer.errors.map(({ row }: { row: number }) => row)).toEqual([1, 2, 4, 6]);
  expect(answer.metadata.feature_status).toEqual(FEATURE_STATUS);
});

test("nan: whatever is missing reaches the model as NaN, and no row is refused", async () => {
  await using world = await openStocked();
  const known = await asked(world, rows[0] as number[]);
  const empty = await asked(
    world,
    FEATURE_NAMES.map(() => null),
  );
  const answer = await predict(world, "nan", BATCH);
  expect(answer.predictions).toEqual([
    known,
    empty,
    empty,
    known,
    empty,
    await asked(world, nulls),
    await asked(world, nullDefaultless),
    known,
  ]);
  expect(answer).not.toHaveProperty("errors");
  expect(answer.metadata.feature_status).toEqual(FEATURE_STATUS);
});

test("a batch of refused rows only does not reach the model", async () => {
  await using world = await openStocked();
  const answer = await predict(world, "reject", [UNKNOWN, DELETED]);
  expect(answer.predictions).toEqual([null, null]);
  expect(answer.errors).toHaveLength(2);
});
