import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { ERROR_STATUS, JSON_MEDIA_TYPE, PROBLEM_MEDIA_TYPE } from "@larder/contract";
import type { Sync, SyncStatus } from "@larder/materializer/stream";
import { type Definitions, isLarderError, LarderError, stringifyJson } from "@larder/schema";
import { type Authenticator, createTlsServer, type TlsFiles } from "@larder/serving";
import type { ListenAddress } from "../listen-address.ts";
import { listenError } from "../listen-address.ts";
import { SyncMetrics } from "./sync-metrics.ts";
import { syncStatusBody } from "./sync-status-body.ts";

/** What the small server of a sync tells, and whom. */
export interface SyncHttpParts {
  readonly definitions: Definitions;
  readonly sync: Sync;
  readonly authenticator: Authenticator | undefined;
  readonly tls: TlsFiles | undefined;
  readonly onProblem: (problem: LarderError) => void;
}

/** A server that listens. */
export interface SyncHttp {
  readonly url: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * Probes, metrics and status of a sync: `/livez` (the process answers), `/readyz` (it reads, and nothing that it needs is away), `/metrics` and
 * `/status`, which need the scope admin where `server.auth` asks for credentials.
 * @throws PORT_IN_USE, USAGE when it cannot listen
 */
export async function openSyncHttp(parts: SyncHttpParts, address: ListenAddress): Promise<SyncHttp> {
  const metrics = new SyncMetrics(parts.sync, parts.definitions);
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    void answerTo(request, parts, metrics).then(({ status, type, body }) => {
      response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
    });
  };
  const limits = {
    maxHeaderSize: parts.definitions.server.headerLimitBytes,
    headersTimeout: parts.definitions.server.headersTimeoutMs,
    requestTimeout: parts.definitions.server.requestTimeoutMs,
  };
  const server = parts.tls === undefined ? createServer(limits, handler) : createTlsServer(parts.tls, limits, handler);
  const port = await listen(server, address);
  const scheme = parts.tls === undefined ? "http" : "https";
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return { url: `${scheme}://${host}:${port}`, close: () => closed(server) };
}

async function answerTo(request: IncomingMessage, parts: SyncHttpParts, metrics: SyncMetrics): Promise<Answer> {
  try {
    return await route(request, parts, metrics);
  } catch (error) {
    const problem = isLarderError(error)
      ? error
      : new LarderError("INTERNAL", { what: "The request failed", remedy: "Look into the log", cause: error });
    if (ERROR_STATUS[problem.code] >= 500) parts.onProblem(problem);
    return problemAnswer(problem);
  }
}

async function route(request: IncomingMessage, parts: SyncHttpParts, metrics: SyncMetrics): Promise<Answer> {
  const [path] = (request.url ?? "").split("?");
  if (request.method !== "GET") {
    throw new LarderError("METHOD_NOT_ALLOWED", { what: "Only GET is answered here", remedy: "Use GET" });
  }
  switch (path) {
    case "/livez":
      return json(200, { status: "alive" });
    case "/readyz":
      return readiness(parts.sync.status());
    case "/metrics":
      await refuseStranger(request, parts);
      return { status: 200, type: metrics.contentType, body: await metrics.text() };
    case "/status":
      await refuseStranger(request, parts);
      return json(200, syncStatusBody(parts.sync.status(), parts.definitions));
    default:
      throw new LarderError("UNKNOWN_ROUTE", {
        what: "There is nothing at this path",
        remedy: "Ask for /livez, /readyz, /metrics or /status",
      });
  }
}

async function refuseStranger(request: IncomingMessage, { definitions, authenticator }: SyncHttpParts): Promise<void> {
  const { auth } = definitions.server;
  if (authenticator === undefined || (typeof auth === "object" && auth.metrics === "open")) return;
  const { scopes } = await authenticator.authenticate(request.headers.authorization);
  if (scopes.has("admin")) return;
  throw new LarderError("FORBIDDEN", {
    what: "The credential lacks the scope admin",
    remedy: "Use one with the scope admin",
    facts: { field: "authorization", scope: "admin" },
  });
}

function readiness({ ready, running, joined, outages }: SyncStatus): Answer {
  const checks = {
    sync: running ? "ok" : "stopping",
    group: joined ? "ok" : "joining",
    ...Object.fromEntries(outages.map(({ of, code }) => [of, code])),
  };
  return json(ready ? 200 : 503, { status: ready ? "ready" : "not_ready", checks });
}

function json(status: number, body: unknown): Answer {
  return { status, type: JSON_MEDIA_TYPE, body: stringifyJson(body) };
}

function problemAnswer({ code, what, remedy }: LarderError): Answer {
  const status = ERROR_STATUS[code];
  const body = { type: `urn:larder:error:${code}`, status, detail: what, code, remedy };
  return { status, type: PROBLEM_MEDIA_TYPE, body: JSON.stringify(body) };
}

/** The port it listens on. */
async function listen(server: Server, address: ListenAddress): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(listenError(error, address)));
    server.listen(address.port, address.host, resolve);
  });
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : address.port;
}

async function closed(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
