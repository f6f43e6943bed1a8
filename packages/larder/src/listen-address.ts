import { once } from "node:events";
import { createServer } from "node:net";
import { type Definitions, isLoopbackHost, LarderError } from "@larder/schema";

/** Where the server listens. */
export interface ListenAddress {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
}

/** Where a command line wants it to listen; undefined takes the yaml's word. */
export interface ListenWish {
  readonly host?: string | undefined;
  /** As text where it comes from a command line. */
  readonly port?: string | number | undefined;
}

/**
 * The address to listen on: the wish, else `server` of the yaml.
 * @throws USAGE for a port that is none; UNSAFE_LISTEN off loopback where the yaml has no `auth`, not even `none`
 */
export function listenAddress({ server }: Pick<Definitions, "server">, wish: ListenWish): ListenAddress {
  const host = wish.host ?? server.host;
  if (!isLoopbackHost(host) && server.auth === undefined) {
    throw new LarderError("UNSAFE_LISTEN", {
      what: `Listening on ${host} would let every machine that reaches it read and write features`,
      remedy:
        "Listen on 127.0.0.1, say in the yaml whom to answer with server: { auth: { keys: … } }, or state server: { auth: none } if something else guards the port",
      facts: { host },
    });
  }
  return { host, port: portOf(wish.port ?? server.port) };
}

/**
 * The port of an address; of port 0 one that is free. Nothing is kept open.
 * @throws PORT_IN_USE, USAGE
 */
export async function freePort(address: ListenAddress): Promise<number> {
  const server = createServer().listen(address.port, address.host);
  try {
    await once(server, "listening");
    const bound = server.address();
    return typeof bound === "object" && bound !== null ? bound.port : address.port;
  } catch (error) {
    throw listenError(error, address);
  } finally {
    server.close();
  }
}

/** The error of a `listen` that failed. */
export function listenError(cause: unknown, { host, port }: ListenAddress): LarderError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "EADDRINUSE") {
    return new LarderError("PORT_IN_USE", {
      what: `Port ${port} of ${host} is in use`,
      remedy: "Stop what listens there, or choose another with --port (0 takes a free one)",
      facts: { host, port },
      cause,
    });
  }
  return new LarderError("USAGE", {
    what: `Cannot listen on ${host} port ${port}${code === "" ? "" : ` (${code})`}`,
    remedy: "Choose an address of this machine with --host, and a port from 1024 on with --port",
    facts: { host, port },
    cause,
  });
}

function portOf(port: string | number): number {
  const number = typeof port === "number" ? port : /^\d{1,5}$/.test(port) ? Number(port) : Number.NaN;
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  throw new LarderError("USAGE", {
    what: `"${String(port).slice(0, 20)}" is no port`,
    remedy: "Give a number from 1 to 65535, or 0 for a free port",
    facts: { field: "port" },
  });
}
