import { type Agent, request } from "node:http";

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
export async function predict(url: string, customers: readonly number[], agent?: Agent): Promise<Answered> {
  const body = JSON.stringify({ entity_rows: customers.map((id) => ({ customer_id: id })) });
  const start = performance.now();
  const { status, timing, text } = await post(`${url}/predict`, body, agent);
  const client = performance.now() - start;
  if (status !== 200) throw new Error(`predict answered ${status}: ${text}`);
  const answer: PredictAnswer = JSON.parse(text);
  return {
    predictions: answer.predictions.map((row) => row?.churn_probability),
    store: duration(timing, "store"),
    server: duration(timing, "total"),
    client,
  };
}

const TIMEOUT_MS = 10_000;

/** Not by fetch: the Fetch standard blocks some ports, and 6566, which feature servers listen on, is one of them. */
function post(
  url: string,
  body: string,
  agent: Agent | undefined,
): Promise<{ status: number; timing: string; text: string }> {
  return new Promise((resolve, reject) => {
    const options = {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      agent,
    };
    const outgoing = request(url, options, (incoming) => {
      let text = "";
      incoming.setEncoding("utf8").on("data", (more: string) => {
        text += more;
      });
      incoming.on("error", reject);
      incoming.on("end", () => {
        const timing = String(incoming.headers["server-timing"] ?? "");
        resolve({ status: incoming.statusCode ?? 0, timing, text });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** The part of the answer that is used here; /openapi.json has all of it. */
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
