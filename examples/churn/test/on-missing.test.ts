import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { type Features, NUMBERS, TEXTS } from "../src/telco.ts";
import { VIEWS } from "../src/views.ts";
import { type ChurnFolder, churnFolder, replaceOnce, withOnlineStore } from "./churn-folder.ts";
import { churnServer, post, stoppedClock } from "./churn-server.ts";

const NOW = Date.UTC(2040, 0, 1) * 1000;
const DAY = 86_400_000_000;
const ONLINE_TTL = 180 * DAY;

/** What the edited definitions give every feature as its default. */
const DEFAULTS = { number: 3, text: "Yes" };

/** One entity of each kind, in the order of the batch. */
const KNOWN = 1;
const UNKNOWN = 2;
const EXPIRED = 3;
const DELETED = 4;
const NULLS = 5;

const FEATURES: Features = {
  tenure_months: 12,
  monthly_charges: 70.35,
  total_charges: 845.5,
  female: 1,
  senior_citizen: 0,
  partner: 1,
  dependents: 0,
  phone_service: 1,
  paperless_billing: 1,
  contract: "Month-to-month",
  payment_method: "Electronic check",
  internet_service: "Fiber optic",
  multiple_lines: "No",
  online_security: "No",
  online_backup: "No",
  device_protection: "No",
  tech_support: "No",
  streaming_tv: "No",
  streaming_movies: "No",
};

/** The example with another `on_missing` and a default for every feature. */
function edited(onMissing: string): Promise<ChurnFolder> {
  return churnFolder((yaml) => {
    const memory = withOnlineStore("{ type: memory }")(yaml);
    const numbers = replaceOnce(memory, /type: float32\b/g, `type: float32, default: ${DEFAULTS.number}`);
    const texts = replaceOnce(numbers, /(name: \w+, )type: string\b/g, `$1type: string, default: "${DEFAULTS.text}"`);
    return replaceOnce(texts, /^ +on_missing: .*$/m, `    on_missing: ${onMissing}`);
  });
}

/** Pushes one row per view of a customer; `features` may lack some, which are null then. */
async function pushCustomer(url: string, customer: number, features: Partial<Features>, time = NOW): Promise<void> {
  for (const view of VIEWS) {
    const values = view.columns.map(({ name }) => [name, [name === "last_invoice" ? 1 : (features[name] ?? null)]]);
    const df = {
      customer_id: [customer],
      event_timestamp: [new Date(time / 1000).toISOString()],
      ...Object.fromEntries(values),
    };
    const answer = await post(`${url}/push`, JSON.stringify({ push_source_name: view.name, df }));
    expect(answer).toMatchObject({ status: 200 });
  }
}

/** Fills the store and predicts for one batch of all kinds. */
async function predictBatch(onMissing: string): Promise<PredictAnswer> {
  await using folder = await edited(onMissing);
  await using server = await churnServer(folder.file, stoppedClock(NOW));
  const { monthly_charges: _charges, contract: _contract, ...someNull } = FEATURES;
  await pushCustomer(server.url, KNOWN, FEATURES);
  await pushCustomer(server.url, EXPIRED, FEATURES, NOW - ONLINE_TTL - 1_000);
  await pushCustomer(server.url, DELETED, FEATURES);
  await pushCustomer(server.url, NULLS, someNull);
  const deletion = {
    feature_view_name: "churn_features",
    entities: { customer_id: [DELETED] },
    event_timestamp: new Date(NOW / 1000).toISOString(),
  };
  expect(await post(`${server.url}/delete-from-online-store`, JSON.stringify(deletion))).toMatchObject({ status: 200 });
  const rows = [KNOWN, UNKNOWN, EXPIRED, DELETED, NULLS].map((customer_id) => ({ customer_id }));
  const { status, text } = await post(`${server.url}/predict`, JSON.stringify({ entity_rows: rows }));
  expect(status).toBe(200);
  return JSON.parse(text);
}

interface PredictAnswer {
  readonly predictions: readonly ({ readonly churn_probability: number } | null)[];
  readonly errors?: readonly { readonly row: number; readonly code: string; readonly features: readonly string[] }[];
  readonly metadata: { readonly feature_status: readonly Readonly<Record<string, string>>[] };
}

/** What the model itself answers for these inputs, without Larder. */
async function model(rows: readonly Features[]): Promise<readonly number[]> {
  const session = await InferenceSession.create(join(import.meta.dirname, "..", "models", "churn.onnx"));
  const numbers = NUMBERS.map((name) => {
    const data = Float32Array.from(rows, (row) => row[name] ?? Number.NaN);
    return [name, new Tensor("float32", data, [rows.length, 1])];
  });
  const texts = TEXTS.map((name) => {
    const data = rows.map((row) => row[name]);
    return [name, new Tensor("string", data, [rows.length, 1])];
  });
  const { probabilities } = await session.run(Object.fromEntries([...numbers, ...texts]), ["probabilities"]);
  await session.release();
  return rows.map((_, i) => Number(probabilities?.data[2 * i + 1]));
}

/** The features of `view`, or of all views, with each number and text replaced. */
function replaced(number: number | null, text: string, view?: string): Features {
  const columns = VIEWS.filter(({ name }) => view === undefined || name === view).flatMap((one) => one.columns);
  const names = columns.filter(({ name }) => name !== "last_invoice");
  return {
    ...FEATURES,
    ...Object.fromEntries(names.map(({ name, type }) => [name, type === "FLOAT" ? number : text])),
  };
}

const STATUSES = [
  {},
  expect.objectContaining({ "churn_features:contract": "NOT_FOUND", "billing:monthly_charges": "NOT_FOUND" }),
  expect.objectContaining({ "churn_features:contract": "OUTSIDE_MAX_AGE", "billing:total_charges": "OUTSIDE_MAX_AGE" }),
  expect.objectContaining({ "churn_features:contract": "NOT_FOUND", "churn_features:tenure_months": "NOT_FOUND" }),
  { "churn_features:contract": "NULL_VALUE", "billing:monthly_charges": "NULL_VALUE" },
];

test("reject: rows with a missing feature get null and an error, the others their prediction", async () => {
  const answer = await predictBatch("reject");
  const [known] = await model([FEATURES]);
  expect(answer.predictions).toEqual([{ churn_probability: known }, null, null, null, null]);
  expect(answer.errors?.map(({ row, code }) => [row, code])).toEqual([
    [1, "FEATURE_MISSING"],
    [2, "FEATURE_MISSING"],
    [3, "FEATURE_MISSING"],
    [4, "FEATURE_MISSING"],
  ]);
  expect(answer.errors?.map(({ features }) => features.length)).toEqual([19, 19, 8, 2]);
  expect(answer.errors?.[3]?.features.toSorted()).toEqual(["billing:monthly_charges", "churn_features:contract"]);
  expect(answer.metadata.feature_status).toEqual(STATUSES);
});

test("default: each missing feature takes its default", async () => {
  const answer = await predictBatch("default");
  const all = replaced(DEFAULTS.number, DEFAULTS.text);
  const nulls = { ...FEATURES, monthly_charges: DEFAULTS.number, contract: DEFAULTS.text };
  const expected = await model([FEATURES, all, all, replaced(DEFAULTS.number, DEFAULTS.text, "churn_features"), nulls]);
  expect(answer.predictions.map((prediction) => prediction?.churn_probability)).toEqual(expected);
  expect(answer.errors).toBeUndefined();
  expect(answer.metadata.feature_status).toEqual(STATUSES);
  expect(new Set(expected).size).toBe(4);
});

test("nan: each missing number is NaN; a text has no NaN, so texts say what else to do", async () => {
  const texts = VIEWS.flatMap(({ name: view, columns }) =>
    columns.filter(({ type }) => type === "VARCHAR").map(({ name }) => `"${view}:${name}": default`),
  );
  const answer = await predictBatch(`{ default: nan, ${texts.join(", ")} }`);
  const all = replaced(null, DEFAULTS.text);
  const nulls = { ...FEATURES, monthly_charges: null, contract: DEFAULTS.text };
  const expected = await model([FEATURES, all, all, replaced(null, DEFAULTS.text, "churn_features"), nulls]);
  expect(answer.predictions.map((prediction) => prediction?.churn_probability)).toEqual(expected);
  expect(answer.errors).toBeUndefined();
  expect(answer.metadata.feature_status).toEqual(STATUSES);
  expect(new Set(expected).size).toBe(4);
});

test("nan for a text input is refused when the model is loaded, naming the feature", async () => {
  await using folder = await edited("nan");
  await expect(churnServer(folder.file, stoppedClock(NOW))).rejects.toMatchObject({
    code: "MODEL_MISMATCH",
    message: expect.stringContaining("nan"),
  });
});
