import { type SeededRandom, seededRandom } from "../src/seeded-random.ts";
import { type ChurnView, VIEWS, type ViewColumn } from "../src/views.ts";

/** One HTTP request. */
export interface SeededRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
}

const SECOND = 1_000_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;
/** As feature_store.yaml has them; `acme` has a shorter one for billing. */
const ONLINE_TTL = 180 * DAY;
const ACME_BILLING_TTL = 90 * DAY;
const KEEP_STALE = 30 * DAY;
const MAX_FUTURE = HOUR;

/** Event times relative to now, on both sides of every boundary. */
const BOUNDARIES = [
  0,
  -1,
  MAX_FUTURE,
  -ONLINE_TTL,
  -ONLINE_TTL - 1,
  -ONLINE_TTL - KEEP_STALE,
  -ONLINE_TTL - KEEP_STALE - 1,
  -ACME_BILLING_TTL,
  -ACME_BILLING_TTL - 1,
  -ACME_BILLING_TTL - KEEP_STALE,
  -ACME_BILLING_TTL - KEEP_STALE - 1,
];

/** Customers that are never deleted and have no nulls, so that a model has something to predict from. */
const STEADY: readonly bigint[] = [1n, 2n, 3n, 4n, 5n, 6n];
/** Customers of any fate, the ends of int64 among them. */
const OTHERS: readonly bigint[] = [
  ...[0n, -1n, 489n, 754n, 7044n, 7045n, 9001n, 9002n, 9003n],
  ...[2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)],
];
const CUSTOMERS: readonly bigint[] = [...STEADY, ...OTHERS];
const FLOATS = [0, -0, 1, 29.85, -1.5, 1e-30, 3.4e38, 16_777_217];
const TEXTS = ["", "Yes", "No", "Month-to-month", "Fiber optic", 'é\u0000\n"', "💡"];
const INTEGERS = [0n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), "9007199254740993"];

/**
 * `count` requests that depend on the seed alone: reads, predictions, writes, deletions and mistakes, for two tenants, around `now` (in
 * microseconds).
 */
export function seededRequests(seed: number, count: number, now: number): readonly SeededRequest[] {
  const random = seededRandom(seed, count);
  return Array.from({ length: count }, () => {
    const make = pick(random, KINDS);
    const request = make(random, now);
    return random.chance(0.35) ? { ...request, headers: { ...request.headers, "x-larder-tenant": "acme" } } : request;
  });
}

/** One read of everything, per tenant. */
export function readAll(): readonly SeededRequest[] {
  const features = VIEWS.flatMap((view) => view.columns.map(({ name }) => `${view.name}:${name}`));
  return ["default", "acme"].flatMap((tenant) =>
    ["false", "true"].map((stale) => ({
      ...post(`/get-online-features?allow_stale=${stale}`, { features, entities: { customer_id: CUSTOMERS } }),
      headers: { "content-type": "application/json", "x-larder-tenant": tenant },
    })),
  );
}

type Make = (random: SeededRandom, now: number) => SeededRequest;

const push: Make = (random, now) => {
  const view = pick(random, VIEWS);
  const df = rowsOf(view, random, now);
  return random.chance(0.7)
    ? post("/push", { push_source_name: view.name, df })
    : post("/write-to-online-store", { feature_view_name: view.name, df });
};

const remove: Make = (random, now) =>
  post("/delete-from-online-store", {
    feature_view_name: pick(random, VIEWS).name,
    entities: { customer_id: some(random, 3, () => pick(random, OTHERS)) },
    event_timestamp: time(eventTime(random, now)),
  });

const read: Make = (random) => {
  const view = pick(random, VIEWS);
  const lists = [
    { feature_service: "churn_v1" },
    { features: view.columns.map(({ name }) => `${view.name}:${name}`) },
    { features: ["billing:last_invoice", "services:internet_service", "churn_features:contract"] },
  ];
  return post(`/get-online-features${random.chance(0.3) ? "?allow_stale=true" : ""}`, {
    ...pick(random, lists),
    entities: { customer_id: some(random, 8, () => pick(random, CUSTOMERS)) },
    ...(random.chance(0.3) ? { full_feature_names: true } : {}),
  });
};

const predict: Make = (random) => {
  const path = random.chance(0.5) ? "/predict" : "/models/churn/predict";
  const row = () => ({ customer_id: pick(random, CUSTOMERS) });
  return random.chance(0.3) ? post(path, row()) : post(path, { entity_rows: some(random, 6, row) });
};

const probe: Make = (random) => ({
  method: "GET",
  path: pick(random, ["/livez", "/readyz", "/health", "/openapi.json"]),
  headers: {},
  body: undefined,
});

/** Requests that somebody got wrong; none may change anything. */
const MISTAKES: readonly Make[] = [
  () => post("/get-online-features", { features: ["nowhere:tenure"], entities: { customer_id: [1] } }),
  () => post("/get-online-features", { features: ["billing:nothing"], entities: { customer_id: [1] } }),
  () => post("/get-online-features", { features: ["billing"], entities: { customer_id: [1] } }),
  () => post("/get-online-features", { features: [], entities: { customer_id: [1] } }),
  () => post("/get-online-features", { feature_service: "churn_v9", entities: { customer_id: [1] } }),
  () => post("/get-online-features", { feature_service: "churn_v1", entities: {} }),
  () => post("/get-online-features", { feature_service: "churn_v1", entities: { customer_id: [1.5] } }),
  () => post("/get-online-features", { feature_service: "churn_v1", entities: { customer_id: [2n ** 63n] } }),
  () => post("/get-online-features", { feature_service: "churn_v1", entities: { customer_id: [null] } }),
  () =>
    post("/get-online-features", {
      features: ["billing:last_invoice", "billing:last_invoice"],
      entities: { customer_id: [1] },
    }),
  () => post("/models/fraud/predict", { customer_id: 1 }),
  () => post("/predict", { entity_rows: [] }),
  () => post("/predict", { entity_rows: [{ customer: 1 }] }),
  () => post("/predict", { customer_id: "one" }),
  () => post("/predict", "nothing"),
  () => ({ ...post("/predict", undefined), body: '{"customer_id": 1' }),
  () => ({ ...post("/predict", undefined), body: '{"customer_id": 1, "customer_id": 2}' }),
  () => ({ ...post("/predict", undefined), body: Buffer.from('{"customer_id": "\xff\xfe"}', "latin1") }),
  () => ({ ...post("/predict", undefined), body: `${"[".repeat(100)}${"]".repeat(100)}` }),
  () => ({ ...post("/predict", { customer_id: 1 }), headers: { "content-type": "text/plain" } }),
  () => ({ ...post("/predict", { customer_id: 1 }), headers: { ...JSON_BODY, "x-larder-tenant": "nobody" } }),
  () => ({ ...post("/predict", { customer_id: 1 }), headers: { ...JSON_BODY, "x-larder-tenant": "%E0%A4%A" } }),
  () => post("/predict", { entity_rows: Array.from({ length: 10_001 }, () => ({ customer_id: 1 })) }),
  () => ({ method: "DELETE", path: "/predict", headers: {}, body: undefined }),
  () => ({ method: "GET", path: "/predictions", headers: {}, body: undefined }),
  () => post("/push", { push_source_name: "nowhere", df: { customer_id: [1] } }),
  (_, now) => post("/push", { push_source_name: "billing", df: { customer_id: [1, 2], event_timestamp: [time(now)] } }),
  (_, now) => post("/push", { push_source_name: "billing", df: { customer_id: [1], event_timestamp: [time(now)] } }),
  (_, now) =>
    post("/push", { push_source_name: "billing", df: billing({ event_timestamp: time(now + MAX_FUTURE + 1) }) }),
  () => post("/push", { push_source_name: "billing", df: billing({ event_timestamp: 1_700_000_000 }) }),
  () => post("/push", { push_source_name: "billing", df: billing({ event_timestamp: "yesterday" }) }),
  (_, now) =>
    post("/push", { push_source_name: "billing", df: billing({ event_timestamp: time(now), last_invoice: 1.5 }) }),
  (_, now) =>
    post("/push", { push_source_name: "billing", df: billing({ event_timestamp: time(now), monthly_charges: 1e39 }) }),
  (_, now) =>
    post("/push", { push_source_name: "billing", df: billing({ event_timestamp: time(now), total_charges: "12" }) }),
  () => post("/write-to-online-store", { feature_view_name: "nowhere", df: { customer_id: [1] } }),
  (_, now) =>
    post("/delete-from-online-store", {
      feature_view_name: "nowhere",
      entities: { customer_id: [1] },
      event_timestamp: time(now),
    }),
  () => post("/delete-from-online-store", { feature_view_name: "billing", entities: { customer_id: [1] } }),
];

const mistake: Make = (random, now) => pick(random, MISTAKES)(random, now);

/** By weight. */
const KINDS: readonly Make[] = [
  push,
  push,
  push,
  push,
  remove,
  read,
  read,
  read,
  predict,
  predict,
  mistake,
  mistake,
  probe,
].flatMap((make) => (make === probe ? [make] : [make, make]));

const JSON_BODY = { "content-type": "application/json" };

function post(path: string, body: unknown): SeededRequest {
  return { method: "POST", path, headers: JSON_BODY, body: body === undefined ? "" : json(body) };
}

/** JSON in which a bigint is a number of any length. */
function json(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(json).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}:${json(member)}`)
    .join(",")}}`;
}

/** Columns of up to four rows of a view; some with nulls, some without `created`, some with a column that the view does not know. */
function rowsOf(view: ChurnView, random: SeededRandom, now: number): Record<string, readonly unknown[]> {
  const times = some(random, 4, () => eventTime(random, now));
  const customers = times.map(() => pick(random, CUSTOMERS));
  const cells = (column: ViewColumn): readonly unknown[] =>
    customers.map((customer) => (STEADY.includes(customer) || random.chance(0.8) ? cellOf(column, random) : null));
  const created = random.chance(0.6) ? { created: times.map((event) => time(event + random.int(0, 2) * SECOND)) } : {};
  return {
    customer_id: customers,
    event_timestamp: times.map(time),
    ...created,
    ...Object.fromEntries(view.columns.map((column) => [column.name, cells(column)])),
    ...(random.chance(0.05) ? { note: times.map(() => "ignored") } : {}),
  };
}

function cellOf(column: ViewColumn, random: SeededRandom): unknown {
  if (column.type === "FLOAT") return pick(random, FLOATS);
  return pick<unknown>(random, column.type === "VARCHAR" ? TEXTS : INTEGERS);
}

function billing(columns: Readonly<Record<string, unknown>>): Record<string, readonly unknown[]> {
  const row = { customer_id: 1, monthly_charges: 1, total_charges: 1, last_invoice: 1, ...columns };
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, [value]]));
}

function eventTime(random: SeededRandom, now: number): number {
  return now + (random.chance(0.6) ? pick(random, BOUNDARIES) : -random.int(0, 48) * HOUR);
}

/** Microseconds as ISO 8601. */
function time(micros: number): string {
  const iso = new Date(Math.floor(micros / 1000)).toISOString();
  return iso.replace("Z", `${String(((micros % 1000) + 1000) % 1000).padStart(3, "0")}Z`);
}

function some<T>(random: SeededRandom, most: number, make: () => T): readonly T[] {
  return Array.from({ length: random.int(1, most) }, make);
}

function pick<T>(random: SeededRandom, list: readonly T[]): T {
  return list[random.int(0, list.length - 1)] as T;
}
