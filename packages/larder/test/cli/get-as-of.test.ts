import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { createProject, type Project } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

/** The online store cannot be reached: nothing here asks it. */
const SHOP = `project: shop
online_store: { type: redis, connection_string: "127.0.0.1:1", layout: packed }
offline_store: { type: duckdb, path: data }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
  - { name: outlet, join_keys: [{ name: country, type: string }, { name: number, type: int32 }] }
feature_views:
  - name: plans
    entity: customer
    ttl: 10d
    keep_stale: 5d
    features: [{ name: price, type: int64 }, { name: plan, type: string }]
    source: { path: "{tenant}/plans.parquet", timestamp_field: event_timestamp, created_timestamp_column: created, created_means: arrival, tombstone_column: gone }
  - name: sales
    entity: outlet
    features: [{ name: turnover, type: float64 }]
    source: { path: sales.parquet, timestamp_field: event_timestamp, created_timestamp_column: created }
  - name: pushed
    entity: customer
    features: [{ name: score, type: float64 }]
feature_services:
  - name: pair
    features: ["plans:price", { view: plans, name_alias: friend, join_key_map: { customer_id: friend_id }, features: [plan] }]
tenants: { default: {}, acme: { max_bytes: 1KB, ttl: { plans: 3d } } }
`;

const plans = (
  price: number,
) => `SELECT k::BIGINT AS customer_id, make_timestamp(2024, 3, e, 0, 0, 0) AS event_timestamp,
  make_timestamp(2024, 3, c, 0, 0, 0) AS created, p::BIGINT AS price, t::VARCHAR AS plan, g AS gone
  FROM (VALUES (9007199254740993, 1, 1, ${price}, 'a', false), (9007199254740993, 5, 8, ${price + 1}, 'b', false), (2, 3, 3, NULL, 'c', false),
  (3, 3, 3, 1, 'x', false), (3, 4, 4, NULL, NULL, true)) t(k, e, c, p, t, g)`;

let project: Project;
beforeAll(async () => {
  project = await createProject(SHOP);
  await project.parquet("data/default/plans.parquet", plans(10));
  await project.parquet("data/acme/plans.parquet", plans(70));
  await project.parquet(
    "data/sales.parquet",
    `SELECT 'NO' AS country, i::INTEGER AS number, TIMESTAMP '2024-03-01' AS event_timestamp, TIMESTAMP '2024-03-01' + to_days(i::INTEGER) AS created,
     i * 1.5 AS turnover FROM range(10) t(i)`,
  );
});
afterAll(() => project[Symbol.asyncDispose]());

async function get(...args: readonly string[]) {
  const terminal = plainTerminal(undefined, project.folder);
  const code = await runCli(["get", ...args], terminal);
  return { code, said: terminal.said, talked: terminal.talked };
}

async function json(...args: readonly string[]): Promise<unknown> {
  const { said, talked } = await get(...args, "--json");
  return talked === "" ? JSON.parse(said) : talked;
}

const PLANS = ["--features", "plans:price,plans:plan", "--entity"];
const BIG = "customer_id=9007199254740993";
const at = (day: number, time = "00:00:00Z") => ["--as-of", `2024-03-${String(day).padStart(2, "0")}T${time}`];
const feature = (name: string, value: unknown, status: string, day?: number) => ({
  name,
  value,
  status,
  event_timestamp: day === undefined ? null : `2024-03-0${day}T00:00:00.000000Z`,
});

test("a row counts from its arrival on, for its TTL, and then as long as it is kept", async () => {
  const answers = [
    [at(7), feature("price", 10, "PRESENT", 1)],
    [at(7, "23:59:59.999999Z"), feature("price", 10, "PRESENT", 1)],
    [at(8, "02:00:00+02:00"), feature("price", 11, "PRESENT", 5)],
    [at(15), feature("price", 11, "PRESENT", 5)],
    [at(15, "00:00:00.000001Z"), feature("price", null, "OUTSIDE_MAX_AGE", 5)],
    [at(20), feature("price", null, "OUTSIDE_MAX_AGE", 5)],
    [at(20, "00:00:00.000001Z"), feature("price", null, "NOT_FOUND")],
  ] as const;
  for (const [time, wanted] of answers) {
    const found = await json("--features", "plans:price", "--entity", BIG, ...time);
    expect(found, time[1]).toEqual({ entity: { customer_id: BIG.slice(12) }, features: [wanted], degraded: false });
  }
});

test("several entities are answered in their order: a null, a deletion, nobody, one twice", async () => {
  const entities = [
    "customer_id=2",
    "--entity",
    "customer_id=3",
    "--entity",
    "customer_id=4",
    "--entity",
    "customer_id=2",
  ];
  const two = [feature("price", null, "NULL_VALUE", 3), feature("plan", "c", "PRESENT", 3)];
  expect(await json(...PLANS, ...entities, ...at(6))).toEqual({
    rows: [
      { entity: { customer_id: "2" }, features: two },
      {
        entity: { customer_id: "3" },
        features: [feature("price", null, "NOT_FOUND"), feature("plan", null, "NOT_FOUND")],
      },
      {
        entity: { customer_id: "4" },
        features: [feature("price", null, "NOT_FOUND"), feature("plan", null, "NOT_FOUND")],
      },
      { entity: { customer_id: "2" }, features: two },
    ],
    degraded: false,
  });
  const { code, said } = await get(...PLANS, ...entities.slice(0, 3), ...at(6));
  expect(code).toBe(0);
  expect(said).toMatch(/^customer_id=2 +plan +c +PRESENT +2024-03-03/m);
});

test("a tenant has its own rows and TTL; its quota is of no matter", async () => {
  const price = async (day: number) =>
    json("--features", "plans:price", "--entity", BIG, "--tenant", "acme", ...at(day));
  expect(await price(4)).toMatchObject({ features: [feature("price", 70, "PRESENT", 1)] });
  expect(await price(5)).toMatchObject({ features: [feature("price", null, "OUTSIDE_MAX_AGE", 1)] });
});

test("composite keys, and a feature service that uses a view twice", async () => {
  const outlets = ["--entity", "country=NO", "--entity", "number=2", "--entity", "number=1", "--entity", "country=NO"];
  expect(await json("--features", "sales:turnover", ...outlets, ...at(9))).toMatchObject({
    rows: [
      { entity: { country: "NO", number: 2 }, features: [{ value: 3 }] },
      { entity: { country: "NO", number: 1 }, features: [{ value: 1.5 }] },
    ],
  });
  expect(await json("--service", "pair", "--entity", BIG, "--entity", "friend_id=2", ...at(7))).toMatchObject({
    features: [
      { name: "price", value: 10 },
      { name: "plan", value: "c" },
    ],
  });
});

test.each([
  ["a time without zone", "2024-03-05T00:00:00", "plans:price", "INVALID_REQUEST", 2, /no time zone.*Z for UTC/s],
  ["a day", "2024-03-05", "plans:price", "INVALID_REQUEST", 2, /no time zone/],
  ["no time", "yesterday", "plans:price", "INVALID_REQUEST", 2, /as_of/],
  ["a time to come", "2200-01-01T00:00:00Z", "plans:price", "INVALID_REQUEST", 2, /ahead of the clock/],
  [
    "a time before all rows",
    "2024-02-29T23:59:59.999999Z",
    "plans:price",
    "INVALID_REQUEST",
    2,
    /2024-03-01T00:00:00.000000Z on/,
  ],
  ["a view without source", "2024-03-05T00:00:00Z", "plans:price,pushed:score", "SOURCE_NOT_FOUND", 1, /"pushed"/],
  ["an unknown tenant", "2024-03-05T00:00:00Z", "plans:price", "UNKNOWN_TENANT", 2, /nobody/],
] as const)("%s is refused", async (what, time, features, code, exitCode, words) => {
  const tenant = what === "an unknown tenant" ? ["--tenant", "nobody"] : [];
  const found = await get("--features", features, "--entity", BIG, "--as-of", time, ...tenant);
  expect([found.code, found.talked]).toEqual([exitCode, expect.stringMatching(new RegExp(`^error ${code}`))]);
  expect(found.talked).toMatch(words);
});

test("created times that hide what had happened, and are not said to be arrivals, are refused as a join refuses them", async () => {
  const outlet = ["--entity", "country=NO", "--entity", "number=9"];
  const { code, talked } = await get("--features", "sales:turnover", ...outlet, ...at(9));
  expect(code).toBe(1);
  expect(talked).toMatch(
    /CREATED_LOOKS_LIKE_LOAD_TIME.*row 0 \(country NO, number 9, at 2024-03-09.*created 2024-03-10/s,
  );
});
