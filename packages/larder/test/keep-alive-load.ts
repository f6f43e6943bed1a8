import { Agent, request } from "node:http";

/** What a client met. */
export interface LoadResult {
  /** Requests that were answered with 200. */
  readonly answered: number;
  /** Every other end of a request, in words. */
  readonly failures: readonly string[];
  /** Answers that said `connection: close`. */
  readonly closed: number;
}

/** Clients that ask without a pause. */
export interface Load {
  /** Settles when so many more requests were answered. */
  answered(more: number): Promise<void>;
  /** Settles when every client has stopped, by itself or by `stop`. */
  readonly done: Promise<LoadResult>;
  stop(): void;
}

/** A read of one customer's price. */
const BODY = JSON.stringify({ features: ["plans:price"], entities: { customer_id: [1] } });

/**
 * Clients with a kept-alive connection each, which repeat nothing: a request that meets a connection that was just closed is a failure. A client that is told
 * `connection: close` opens another, or, with `leave`, goes elsewhere as behind a load balancer.
 */
export function startLoad(url: string, clients: number, { leave = false } = {}): Load {
  let stopped = false;
  let answered = 0;
  let closed = 0;
  const failures: string[] = [];
  const waiting = new Set<() => void>();

  async function client(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      while (!stopped) {
        const outcome = await ask(url, agent);
        if (outcome.failure !== undefined) {
          failures.push(outcome.failure);
          return;
        }
        answered++;
        for (const check of waiting) check();
        if (outcome.close) closed++;
        if (outcome.close && leave) return;
      }
    } finally {
      agent.destroy();
      for (const check of waiting) check();
    }
  }

  const all = Promise.all(Array.from({ length: clients }, client));
  return {
    answered: (more) =>
      new Promise((resolve, reject) => {
        const enough = answered + more;
        const check = () => {
          if (failures.length > 0) reject(new Error(failures.join("; ")));
          else if (answered >= enough) resolve();
          else return;
          waiting.delete(check);
        };
        waiting.add(check);
        check();
      }),
    done: all.then(() => ({ answered, failures, closed })),
    stop: () => {
      stopped = true;
    },
  };
}

function ask(url: string, agent: Agent): Promise<{ readonly failure?: string; readonly close?: boolean }> {
  return new Promise((resolve) => {
    const sent = request(`${url}/get-online-features`, {
      agent,
      method: "POST",
      headers: { "content-type": "application/json", "content-length": BODY.length },
    });
    sent.on("error", (error) => resolve({ failure: `${sent.reusedSocket ? "reused" : "new"} connection: ${error}` }));
    sent.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (more: string) => {
        text += more;
      });
      response.on("error", (error) => resolve({ failure: String(error) }));
      response.on("end", () => {
        if (response.statusCode !== 200) resolve({ failure: `status ${response.statusCode}: ${text}` });
        else resolve({ close: response.headers.connection === "close" });
      });
    });
    sent.end(BODY);
  });
}
