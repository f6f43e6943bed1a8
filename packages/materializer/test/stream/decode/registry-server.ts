import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";

/** A schema as a registry answers it. */
export interface RegisteredSchema {
  readonly schema: string;
  readonly schemaType?: string;
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[];
}

/** The two requests of Confluent's REST API that readers of records make, answered as its documentation says, errors among them. */
export interface RegistryServer extends AsyncDisposable {
  readonly url: string;
  /** Paths that were asked for. */
  readonly requests: string[];
  readonly ids: Map<number, RegisteredSchema>;
  /** By `subject/version`. */
  readonly versions: Map<string, RegisteredSchema>;
  /** How it answers whatever is asked; undefined = as it should. */
  fault: { readonly status: number; readonly body: string } | "hang" | undefined;
  /** `user:password` that it asks for. */
  credentials: string | undefined;
}

export async function startRegistry(tls?: { readonly key: Buffer; readonly cert: Buffer }): Promise<RegistryServer> {
  const listener = (request: IncomingMessage, response: ServerResponse): void => answer(registry, request, response);
  const server = tls === undefined ? createHttp(listener) : createHttps(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const registry: RegistryServer = {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    requests: [],
    ids: new Map(),
    versions: new Map(),
    fault: undefined,
    credentials: undefined,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return registry;
}

function answer(registry: RegistryServer, request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? "";
  registry.requests.push(url);
  if (registry.fault === "hang") return;
  const { status, body } = registry.fault ?? answerTo(registry, url, request.headers.authorization);
  response.writeHead(status, { "content-type": "application/vnd.schemaregistry.v1+json" }).end(body);
}

function answerTo({ credentials, ids, versions }: RegistryServer, url: string, authorization: string | undefined) {
  if (credentials !== undefined && authorization !== `Basic ${Buffer.from(credentials).toString("base64")}`) {
    return { status: 401, body: '{"error_code":401,"message":"Unauthorized"}' };
  }
  const [, id] = /^\/schemas\/ids\/(\d+)$/.exec(url) ?? [];
  const [, subject, version] = /^\/subjects\/([^/]+)\/versions\/(\d+)$/.exec(url) ?? [];
  const referred = versions.get(`${decodeURIComponent(subject ?? "")}/${version}`);
  const schema = ids.get(Number(id)) ?? (referred && { subject, version: Number(version), id: 1, ...referred });
  if (schema !== undefined) return { status: 200, body: JSON.stringify(schema) };
  const code = id !== undefined ? 40403 : subject !== undefined ? 40401 : 404;
  return { status: 404, body: `{"error_code":${code},"message":"Not found"}` };
}

/** Bytes in Confluent's frame. */
export function framed(id: number, ...parts: readonly Uint8Array[]): Buffer {
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(id, 1);
  return Buffer.concat([frame, ...parts]);
}
