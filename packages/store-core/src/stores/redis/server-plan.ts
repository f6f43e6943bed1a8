import { connect as connectTcp, isIP } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { AbstractConnector } from "ioredis";
import { endpointText, type RedisEndpoint, type RedisLogin } from "./redis-target.ts";

/** Whom a server connection connects to. */
export interface ServerPlan {
  /** What messages call the server until its address is known. */
  readonly name: string;
  /** Asked before every connect: where the server is now. The signal ends the search when the connection is closed. */
  locate(signal: AbortSignal): Promise<RedisEndpoint>;
  readonly login: RedisLogin;
  readonly tls: ConnectionOptions | undefined;
  /** Whether a server that says it is a replica is left and looked for anew. */
  readonly primaryOnly: boolean;
  readonly times: ConnectionTimes;
}

/** The plan for a server that never moves. */
export function fixedServer(endpoint: RedisEndpoint, rest: Pick<ServerPlan, "login" | "tls" | "times">): ServerPlan {
  return { ...rest, name: endpointText(endpoint), locate: async () => endpoint, primaryOnly: false };
}

/** Times of a connection, in milliseconds. */
export interface ConnectionTimes {
  /** Most time to connect and log in. */
  readonly connectMs: number;
  /** A server that owes answers and gives none for this long is disconnected, and connected to anew. */
  readonly hangMs: number;
}

/** The class of connector that ioredis shall use: it finds the server by the plan, tells it to `found`, and opens a socket to it. */
export function connectorOf(plan: ServerPlan, found: (endpoint: RedisEndpoint) => void): new () => AbstractConnector {
  return class extends AbstractConnector {
    #search = new AbortController();

    constructor() {
      super(plan.times.connectMs);
    }

    async connect() {
      this.connecting = true;
      this.#search = new AbortController();
      const endpoint = await plan.locate(this.#search.signal);
      if (!this.connecting) throw new Error("the connection was closed");
      found(endpoint);
      const stream = openSocket(endpoint, plan.tls);
      this.stream = stream;
      stream.once("error", (error) => {
        this.firstError = error;
      });
      return stream;
    }

    override disconnect(): void {
      this.#search.abort();
      super.disconnect();
    }
  };
}

function openSocket(endpoint: RedisEndpoint, tls: ConnectionOptions | undefined) {
  if (tls === undefined) return connectTcp(endpoint);
  const named = "host" in endpoint && isIP(endpoint.host) === 0;
  return connectTls({ ...tls, ...endpoint, ...(named ? { servername: endpoint.host } : {}) });
}
