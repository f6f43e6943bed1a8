import { HttpConnection, isFine } from "./http-connection.ts";
import { clockMs, type Pacer } from "./pacer.ts";

/** What came of a while of as many requests as the server answers. */
export interface FastAnswers {
  /** Answered 200. */
  readonly answers: number;
  readonly failures: number;
  readonly seconds: number;
}

/** What came of a while of requests at a fixed rate. Times are milliseconds. */
export interface Latencies {
  /** Requests that were due. */
  readonly due: number;
  /** Of each answer 200: from when its request was due, whether or not it could be sent then. */
  readonly times: readonly number[];
  /** The same of every answer, whatever its status. */
  readonly answered: readonly number[];
  /** How late requests were sent. */
  readonly lags: readonly number[];
  readonly failures: number;
  readonly heads: readonly string[];
}

/** Sends requests to one server, over connections that stay open for a while of them: a server may end one that nobody uses. */
export interface HttpLoad {
  /** Some connections, each with its next request as soon as it has its answer. */
  asFastAsAnswered(requests: readonly Buffer[], callers: number, milliseconds: number): Promise<FastAnswers>;
  /**
   * An open model: requests come when they are due, also while others wait for their answers. Those that found no connection until the end are not
   * sent.
   */
  atRate(requests: readonly Buffer[], rate: number, milliseconds: number): Promise<Latencies>;
}

/** Requests under way at once at most, at a fixed rate; later ones wait to be sent, and their time counts. */
const CONNECTIONS = 64;

/** Load for the server on a port of loopback. */
export function createHttpLoad(port: number, pacer: Pacer): HttpLoad {
  let turn = 0;
  const next = (requests: readonly Buffer[]) => requests[turn++ % requests.length] as Buffer;
  return {
    async asFastAsAnswered(requests, callers, milliseconds) {
      using pool = await openPool(port, callers);
      const start = performance.now();
      let answers = 0;
      let failures = 0;
      const call = (connection: HttpConnection) =>
        new Promise<void>((resolve, reject) => {
          const onAnswer = (head: string) => {
            if (isFine(head)) answers++;
            else failures++;
            if (performance.now() - start < milliseconds) connection.send(next(requests), onAnswer, reject);
            else resolve();
          };
          connection.send(next(requests), onAnswer, reject);
        });
      await Promise.all(pool.connections.map(call));
      return { answers, failures, seconds: (performance.now() - start) / 1000 };
    },
    async atRate(requests, rate, milliseconds) {
      using pool = await openPool(port, CONNECTIONS);
      const run = new FixedRate(pool.connections, rate, milliseconds, () => next(requests));
      await Promise.race([pacer.run({ start: run.start, rate, milliseconds }, () => run.sendDue()), run.drained]);
      await run.end();
      return run;
    },
  };
}

class FixedRate implements Latencies {
  readonly start = clockMs() + 1;
  readonly due: number;
  readonly times: number[] = [];
  readonly answered: number[] = [];
  readonly lags: number[] = [];
  readonly heads: string[] = [];
  failures = 0;
  readonly #interval: number;
  readonly #request: () => Buffer;
  readonly #free: HttpConnection[];
  readonly #drained = Promise.withResolvers<void>();
  #underWay = 0;
  #sent = 0;
  #ended = false;

  constructor(connections: readonly HttpConnection[], rate: number, milliseconds: number, request: () => Buffer) {
    this.due = Math.floor((milliseconds * rate) / 1000);
    this.#interval = 1000 / rate;
    this.#request = request;
    this.#free = [...connections];
  }

  /** Resolves when nothing is under way after the end; fails with a connection. */
  get drained(): Promise<void> {
    return this.#drained.promise;
  }

  /** Sends nothing more. */
  end(): Promise<void> {
    this.#ended = true;
    if (this.#underWay === 0) this.#drained.resolve();
    return this.drained;
  }

  sendDue(): void {
    for (let now = clockMs(); !this.#ended && this.#sent < this.due; this.#sent++) {
      const dueAt = this.start + this.#sent * this.#interval;
      const connection = dueAt <= now ? this.#free.pop() : undefined;
      if (connection === undefined) return;
      now = clockMs();
      this.#send(connection, dueAt, now);
    }
  }

  #send(connection: HttpConnection, dueAt: number, now: number): void {
    this.lags.push(now - dueAt);
    this.#underWay++;
    const onAnswer = (head: string) => {
      this.#underWay--;
      const took = clockMs() - dueAt;
      this.answered.push(took);
      if (isFine(head)) this.times.push(took);
      else this.failures++;
      this.heads.push(head);
      this.#free.push(connection);
      this.sendDue();
      if (this.#ended && this.#underWay === 0) this.#drained.resolve();
    };
    connection.send(this.#request(), onAnswer, this.#drained.reject);
  }
}

async function openPool(port: number, size: number): Promise<Disposable & { readonly connections: HttpConnection[] }> {
  const connections = await Promise.all(Array.from({ length: size }, () => HttpConnection.open(port)));
  return {
    connections,
    [Symbol.dispose]() {
      for (const connection of connections) connection.close();
    },
  };
}

/** A whole HTTP request with a JSON body. */
export function postRequest(path: string, body: unknown): Buffer {
  const text = JSON.stringify(body);
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n`;
  return Buffer.from(head + text);
}
