import { type Agent, request } from "node:http";
import { setTimeout } from "node:timers/promises";

/** One answered `predict`, and what it cost in milliseconds. */
export interface Answered {
  readonly predictions: readonly (number | undefined)[];
  /** As the server measured it: the lookup in the online store, and the whole request. */
  readonly store: number;
  readonly server: number;
  /** As the client sees it, HTTP and repeats included. */
  readonly client: number;
  /** How often the server said that the store is not available, and was asked again. */
  readonly repeats: number;
}

/**
 * Asks `POST /predict` for some customers. A 503 says when to ask again, and is what a busy machine gets when a lookup overruns its deadline, so
 * it is asked again a few times. @throws with the server's words when it answers anything else but 200
 */
export async function predict(url: string, customers: readonly number[], agent?: Agent): Promise<Answered> {
  const body = JSON.stringify({ entity_rows: customers.map((id) => ({ customer_id: id })) });
  const start = performance.now();
  let reply = await post(`${url}/predict`, body, agent);
  let repeats = 0;
  for (; reply.status === 503 && repeats < MOST_REPEATS; repeats++) {
    await setTimeout(reply.retryAfter * 1000);
    reply = await post(`${url}/predict`, body, agent);
  }
  const client = performance.now() - start;
  const { status, timing, text } = reply;
  if (status !== 200) throw new Error(`predict answered ${status}: ${text}`);
  const answer: PredictAnswer = JSON.parse(text);
  return {
    predictions: answer.predictions.map((row) => row?.churn_probability),
    store: duration(timing, "store"),
    server: duration(timing, "total"),
    client,
    repeats,
  };
}

const TIMEOUT_MS = 10_000;
const MOST_REPEATS = 3;

/** What the server said. `retryAfter` in seconds. */
interface Reply {
  readonly status: number;
  readonly timing: string;
  readonly retryAfter: number;
  readonly text: string;
}

/** Not by fetch: the Fetch standard blocks some ports, and 6566, which feature servers listen on, is one of them. */
function post(url: string, body: string, agent: Agent | undefined): Promise<Reply> {
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
        const retryAfter = Number(incoming.headers["retry-after"] ?? 1);
        resolve({ status: incoming.statusCode ?? 0, timing, retryAfter, text });
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
