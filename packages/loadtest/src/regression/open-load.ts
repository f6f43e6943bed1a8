import { Agent, request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

/** What came of requests at a fixed rate. */
export interface LoadAnswers {
  /** Milliseconds of each answer 200, from when its request was due. */
  readonly times: readonly number[];
  readonly failures: number;
}

/** Requests to one server over connections that stay open. */
export interface OpenLoad extends Disposable {
  /** An open model: a request is sent when it is due, also while others wait for their answers. */
  run(path: string, bodies: readonly string[], rate: number, milliseconds: number): Promise<LoadAnswers>;
}

const CONNECTIONS = 64;

/** Load for a server's address. */
export function openLoad(url: string): OpenLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let turn = 0;
  return {
    async run(path, bodies, rate, milliseconds) {
      const due = Math.floor((rate * milliseconds) / 1000);
      const times: number[] = [];
      const waiting: Promise<void>[] = [];
      let failures = 0;
      const start = performance.now();
      for (let sent = 0; sent < due; ) {
        const dueAt = start + (sent * 1000) / rate;
        if (dueAt > performance.now()) {
          await wait(Math.max(1, Math.floor(dueAt - performance.now())));
          continue;
        }
        sent++;
        const answered = post(agent, `${url}${path}`, bodies[turn++ % bodies.length] as string).then((status) => {
          if (status === 200) times.push(performance.now() - dueAt);
          else failures++;
        });
        waiting.push(answered);
      }
      await Promise.all(waiting);
      return { times, failures };
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** The status of its answer, once the whole answer is there. */
function post(agent: Agent, url: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const asked = request(url, { method: "POST", agent, headers }, (answer) => {
      answer.resume();
      answer.once("end", () => resolve(answer.statusCode ?? 0));
      answer.once("error", reject);
    });
    asked.once("error", reject);
    asked.end(body);
  });
}
