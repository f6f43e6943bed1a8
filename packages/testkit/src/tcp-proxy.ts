import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { LOOPBACK } from "./free-port.ts";

/** Where a proxy leads. */
export interface TcpTarget {
  readonly host: string;
  readonly port: number;
}

/** A road to a server that a test can break. It starts open, and each call changes the present connections and the ones to come. */
export interface TcpProxy {
  readonly host: string;
  readonly port: number;
  /** `host:port`, as `feature_store.yaml` takes it. */
  readonly connectionString: string;
  /** Connections that are open now. */
  readonly connections: number;
  /** Connections taken so far, the cut ones included. */
  readonly accepted: number;
  /** Resets every connection, and every new one as soon as it is made, until `resume`. */
  cut(): void;
  /** Takes connections and holds what either side sends, or what the server answers alone, until `resume`. */
  hang(what?: "all" | "answers"): void;
  /** Forwards again, also what was held. Ends `delay`. */
  resume(): void;
  /** Forwards each piece so many milliseconds later, in order, both ways, or what the server answers alone. */
  delay(ms: number, what?: "all" | "answers"): void;
  /** Resets every connection and gives the port back. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a proxy on a free loopback port. */
export async function startTcpProxy(target: TcpTarget): Promise<TcpProxy> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const proxy = new BreakableProxy(server, target);
  server.listen(0, LOOPBACK);
  await once(server, "listening");
  return proxy;
}

type Road =
  | { readonly kind: "open"; readonly delayMs: number; readonly requestDelayMs: number }
  | { readonly kind: "cut" }
  | { readonly kind: "hung" }
  | { readonly kind: "deaf" };

const OPEN: Road = { kind: "open", delayMs: 0, requestDelayMs: 0 };

class BreakableProxy implements TcpProxy {
  readonly host = LOOPBACK;
  accepted = 0;
  readonly #server: Server;
  readonly #target: TcpTarget;
  readonly #links = new Set<Link>();
  #road: Road = OPEN;

  constructor(server: Server, target: TcpTarget) {
    this.#server = server;
    this.#target = target;
    server.on("connection", (socket) => this.#accept(socket));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connectionString(): string {
    return `${this.host}:${this.port}`;
  }

  get connections(): number {
    return this.#links.size;
  }

  cut(): void {
    this.#road = { kind: "cut" };
    for (const link of this.#links) link.reset();
  }

  hang(what: "all" | "answers" = "all"): void {
    this.#take({ kind: what === "all" ? "hung" : "deaf" });
  }

  resume(): void {
    this.#take(OPEN);
  }

  delay(ms: number, what: "all" | "answers" = "all"): void {
    this.#take({ kind: "open", delayMs: ms, requestDelayMs: what === "all" ? ms : 0 });
  }

  async close(): Promise<void> {
    const links = [...this.#links];
    this.cut();
    // A socket that still connects is reset when it is connected.
    await Promise.all(links.map((link) => link.ended));
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #take(road: Road): void {
    this.#road = road;
    for (const link of this.#links) link.take(road);
  }

  #accept(client: Socket): void {
    this.accepted++;
    if (this.#road.kind === "cut") {
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, connect({ ...this.#target, allowHalfOpen: true }));
    this.#links.add(link);
    void link.ended.then(() => this.#links.delete(link));
    link.take(this.#road);
  }
}

/** One connection: two sockets and a lane each way. */
class Link {
  readonly #sockets: readonly [Socket, Socket];
  readonly #lanes: readonly [Lane, Lane];
  /** Resolved when both sockets are closed. */
  readonly ended: Promise<void>;

  constructor(client: Socket, server: Socket) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#sockets = [client, server];
    this.#lanes = [new Lane(client, server), new Lane(server, client)];
    for (const socket of this.#sockets) {
      socket.setNoDelay(true);
      // A side that breaks breaks the other: the proxy hides no failure.
      socket.on("error", () => this.reset());
      socket.on("close", () => {
        if (client.closed && server.closed) resolve();
      });
    }
  }

  take(road: Road): void {
    const [requests, answers] = this.#lanes;
    if (road.kind === "open") requests.take({ ...road, delayMs: road.requestDelayMs });
    else requests.take(road.kind === "deaf" ? OPEN : road);
    answers.take(road);
  }

  reset(): void {
    for (const lane of this.#lanes) lane.clear();
    // One that says goodbye already can't be reset any more: Node would leave it open.
    for (const socket of this.#sockets) socket.writableEnded ? socket.destroy() : socket.resetAndDestroy();
  }
}

/** Pieces that a lane holds before it stops reading, so that a slow road backs up to the sender as a real one does. */
const MOST_HELD = 64;

/** One direction of a connection: pieces leave in the order in which they came, each when it is due and the road is open. */
class Lane {
  readonly #from: Socket;
  readonly #queue: { send: () => void; due: number }[] = [];
  #road: Road = { kind: "hung" };
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    from.on("data", (bytes: Buffer) => this.#enter(() => to.write(bytes)));
    from.on("end", () => this.#enter(() => to.end()));
  }

  take(road: Road): void {
    this.#road = road;
    if (road.kind === "open" && road.delayMs === 0) for (const piece of this.#queue) piece.due = 0;
    this.#pump();
  }

  clear(): void {
    this.#queue.length = 0;
    clearTimeout(this.#timer);
  }

  #enter(send: () => void): void {
    const delay = this.#road.kind === "open" ? this.#road.delayMs : 0;
    this.#queue.push({ send, due: performance.now() + delay });
    this.#pump();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    if (this.#road.kind !== "open") {
      this.#from.pause();
      return;
    }
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      const wait = head.due - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#pump(), Math.ceil(wait));
        break;
      }
      this.#queue.shift();
      head.send();
    }
    if (this.#queue.length < MOST_HELD) this.#from.resume();
    else this.#from.pause();
  }
}
