import type { Load } from "./load-plan.ts";

/** Where each kind of request goes. */
export const PATHS = {
  features: "/get-online-features",
  predict: "/predict",
  push: "/push",
  livez: "/livez",
} as const satisfies Record<Load["route"], string>;

/** The body of a request for these customers, null for none; `turn` makes what is pushed differ from one request to the next. */
export function bodyOf(route: Load["route"], ids: readonly number[], turn: number): string | null {
  switch (route) {
    case "features":
      return JSON.stringify({ feature_service: "churn_v1", entities: { customer_id: ids } });
    case "predict":
      return JSON.stringify({ entity_rows: ids.map((customer_id) => ({ customer_id })) });
    case "push":
      return JSON.stringify({ push_source_name: "billing", df: billingColumns(ids, turn), to: "online" });
    case "livez":
      return null;
  }
}

/** Whether an answer is what its load promises: every customer is known, so each row has its values. */
export function isRight({ status, body }: { readonly status: number; readonly body: string }, load: Load): boolean {
  if (load.mayFail === true && status === 503) return body.includes('"code"') || body.includes('"detail"');
  if (status !== 200) return false;
  switch (load.route) {
    case "push":
    case "livez":
      return true;
    case "predict":
      return load.rows > 10 || predicts(body, load);
    case "features":
      return load.rows > 10 || reads(body, load.rows);
  }
}

/** Looks at answers of few rows: to parse long ones would cost the generator more than sending them. */
function predicts(body: string, load: Load): boolean {
  const { predictions, metadata } = JSON.parse(body) as {
    predictions: ({ churn_probability?: unknown } | null)[];
    metadata: { degraded: boolean };
  };
  if (predictions.length !== load.rows || (metadata.degraded && load.mayFail !== true)) return false;
  return predictions.every((each) => typeof each?.churn_probability === "number");
}

function reads(body: string, rows: number): boolean {
  const { results } = JSON.parse(body) as { results: { values: unknown[]; statuses: string[] }[] };
  return results.length > 1 && results.every(({ values }) => values.length === rows);
}

function billingColumns(ids: readonly number[], turn: number): Record<string, readonly unknown[]> {
  const now = new Date().toISOString();
  return {
    customer_id: ids,
    event_timestamp: ids.map(() => now),
    created: ids.map(() => now),
    monthly_charges: ids.map((id) => 20 + ((id + turn) % 100)),
    total_charges: ids.map((id) => 1_000 + ((id * 7 + turn) % 5_000)),
    last_invoice: ids.map((id) => 202_600_000_000 + id),
  };
}
