import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "./world.ts";
import { FIXTURES, NOW } from "./world.ts";

/** One golden row of either model. */
export interface GoldenRow {
  readonly inputs: Readonly<Record<string, number | string | null>>;
  /** P(stay), P(churn) by ONNX Runtime for Python. */
  readonly onnx: readonly [number, number];
  readonly onnx_label: number;
  /** The numeric model's matrix row; null is NaN. */
  readonly features: readonly (number | null)[];
}

/** The golden rows of `churn.onnx`, or with `numeric` of `churn_numeric.onnx`. */
export function goldenRows(numeric = false): readonly GoldenRow[] {
  const file = numeric ? "churn_numeric_golden.json" : "golden_predictions.json";
  return JSON.parse(readFileSync(join(FIXTURES, "churn", file), "utf8")).rows;
}

const INPUTS = Object.entries(goldenRows()[0]?.inputs ?? {});

/** Names of the model's inputs, in order. */
export const FEATURE_NAMES = INPUTS.map(([name]) => name);

const list = (view: string) => FEATURE_NAMES.map((name) => `"${view}:${name}"`).join(", ");

/** A view for `churn.onnx`, one of 19 floats for `churn_numeric.onnx`, and a model of the latter per rule for missing values. */
export const CHURN = `
project: churn
online_store: { type: memory }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
feature_views:
  - name: customers
    entity: customer
    online_ttl: 1h
    keep_stale: 1h
    features:
${INPUTS.map(([name, value]) => `      - { name: ${name}, type: ${typeof value === "string" ? "string" : "float32"} }`).join("\n")}
  - name: floats
    entity: customer
    online_ttl: 1h
    keep_stale: 1h
    features:
${FEATURE_NAMES.map((name, index) => `      - { name: ${name}, type: float32${index === 3 ? "" : `, default: ${index}`} }`).join("\n")}
feature_services:
  - { name: named, features: [${list("customers")}] }
  - { name: matrix, features: [${list("floats")}] }
models:
  - { name: churn, path: churn/churn.onnx, feature_service: named,
      prediction: { name: churn_probability, output: probabilities, index: 1 } }
  - { name: label, path: churn/churn.onnx, feature_service: named, prediction: { name: label, output: label } }
  - { name: reject, path: churn/churn_numeric.onnx, feature_service: matrix, on_missing: reject,
      prediction: { name: p, output: probabilities, index: 1 } }
  - { name: default, path: churn/churn_numeric.onnx, feature_service: matrix, on_missing: default,
      prediction: { name: p, output: probabilities, index: 1 } }
  - { name: nan, path: churn/churn_numeric.onnx, feature_service: matrix, on_missing: nan,
      prediction: { name: p, output: probabilities, index: 1 } }
`;

/** Writes rows of 19 values, null included, for customers 0, 1, 2, … from `first` on. */
export async function writeRows(
  world: World,
  view: "customers" | "floats",
  rows: readonly (readonly (number | string | null)[])[],
  first = 0,
  eventTime = NOW,
): Promise<void> {
  const df = Object.fromEntries([
    ["customer_id", rows.map((_, index) => first + index)],
    ["event_timestamp", rows.map(() => eventTime)],
    ...FEATURE_NAMES.map((name, column) => [name, rows.map((row) => row[column])]),
  ]);
  const response = await world.post("/write-to-online-store", { feature_view_name: view, df });
  if (response.statusCode !== 200) throw new Error(response.body);
}
