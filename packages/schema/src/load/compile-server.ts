import { resolve } from "node:path";
import type { FeatureStoreFile } from "../definition-schema.ts";
import type { AuthConfig, HistoricalConfig, JwtConfig, ServedLogConfig, ServerConfig } from "../definitions.ts";
import { bytes } from "../size.ts";
import { micros } from "./compile-view.ts";

type ServerSection = FeatureStoreFile["server"];
type AuthSection = Exclude<NonNullable<ServerSection["auth"]>, "none">;

/** The HTTP server's settings; relative paths count from `folder`. */
export function compileServer(server: ServerSection, folder: string): ServerConfig {
  const { tls } = server;
  return {
    host: server.host,
    port: server.port,
    auth: typeof server.auth === "object" ? compileAuth(server.auth, folder) : server.auth,
    tls:
      tls === undefined
        ? undefined
        : {
            cert: resolve(folder, tls.cert),
            key: resolve(folder, tls.key),
            clientCa: tls.ca === undefined ? undefined : resolve(folder, tls.ca),
          },
    maxInFlight: server.max_in_flight,
    modelThreads: server.model_threads,
    modelQueue: server.model_queue,
    bodyLimitBytes: bytes(server.body_limit),
    maxRows: server.max_rows,
    jsonDepth: server.json_depth,
    strictFeast: server.strict_feast,
    headerLimitBytes: bytes(server.header_limit),
    headersTimeoutMs: micros(server.headers_timeout) / 1000,
    requestTimeoutMs: micros(server.request_timeout) / 1000,
    drainDelayMs: micros(server.drain_delay) / 1000,
    accessLogSample: server.access_log?.sample,
    servedLog: server.served_log === undefined ? undefined : compileServedLog(server.served_log, folder),
    historical: compileHistorical(server.historical),
  };
}

function compileHistorical(historical: ServerSection["historical"]): HistoricalConfig {
  return {
    maxJoins: historical.max_joins,
    maxRows: historical.max_rows,
    bodyLimitBytes: bytes(historical.body_limit),
    deadlineMs: micros(historical.deadline) / 1000,
    memoryLimitBytes: bytes(historical.memory_limit),
    spillLimitBytes: bytes(historical.spill_limit),
  };
}

function compileServedLog(log: NonNullable<ServerSection["served_log"]>, folder: string): ServedLogConfig {
  return {
    path: resolve(folder, log.path),
    sample: log.sample,
    rotateAfterMs: micros(log.rotate_after) / 1000,
    rotateBytes: bytes(log.rotate_size),
    maxPendingBytes: bytes(log.max_pending),
    keepMs: micros(log.keep) / 1000,
    maxBytes: bytes(log.max_bytes),
  };
}

function compileAuth({ keys, jwt, metrics }: AuthSection, folder: string): AuthConfig {
  return {
    keys: keys === undefined ? undefined : resolve(folder, keys),
    jwt: jwt === undefined ? undefined : compileJwt(jwt, folder),
    metrics,
  };
}

function compileJwt(jwt: NonNullable<AuthSection["jwt"]>, folder: string): JwtConfig {
  return {
    // The checks have seen to it that it is one of both.
    jwks: jwt.jwks_url === undefined ? { file: resolve(folder, jwt.jwks_file ?? "") } : { url: jwt.jwks_url },
    issuer: jwt.issuer,
    audience: jwt.audience,
    tenantClaim: jwt.tenant_claim,
    scopesClaim: jwt.scopes_claim,
  };
}
