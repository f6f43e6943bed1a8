/** One answered `predict`, and what it cost in milliseconds. */
export interface Answered {
  readonly predictions: readonly (number | undefined)[];
  /** As the server measured it: the lookup in the online store, and the whole request. */
  readonly store: number;
  readonly server: number;
  /** As the client sees it, HTTP included. */
  readonly client: number;
}

/** Asks `POST /predict` for some customers. @throws with the server's words when it answers anything but 200 */
export async function predict(url: string, customers: readonly number[]): Promise<Answered> {
  const start = performance.now();
  const response = await fetch(`${url}/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ entity_rows: customers.map((id) => ({ customer_id: id })) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  const client = performance.now() - start;
  if (response.status !== 200) throw new Error(`predict answered ${response.status}: ${text}`);
  const answer: PredictAnswer = JSON.parse(text);
  const timing = response.headers.get("server-timing") ?? "";
  return {
    predictions: answer.predictions.map((row) => row?.churn_probability),
    store: duration(timing, "store"),
    server: duration(timing, "total"),
    client,
  };
}

/** The part of the answer that is used here; docs/http.md and /openapi.json have all of it. */
interface PredictAnswer {
  readonly predictions: readonly ({ readonly churn_probability: number } | null)[];
}

/** `store;dur=0.12, total;dur=0.5` -> 0.12 for `store`. */
function duration(timing: string, name: string): number {
  const entry = timing.split(",").find((part) => part.trim().startsWith(`${name};`));
  return Number(/dur=([\d.]+)/.exec(entry ?? "")?.[1] ?? Number.NaN);
}

/** P50, P95 and P99 of some measurements, by nearest rank. */
export function percentiles(values: readonly number[]): readonly [number, number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  return [rank(0.5), rank(0.95), rank(0.99)];
}
