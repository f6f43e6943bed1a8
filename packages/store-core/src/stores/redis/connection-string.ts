import { isAbsolute, resolve } from "node:path";
import type { OnlineStoreConfig } from "@larder/schema";
import { type ConnectionSettings, invalidConnection, readConnectionSettings } from "./connection-settings.ts";
import type { RedisEndpoint, RedisLogin, RedisTarget, TlsSettings } from "./redis-target.ts";

/** What says where Redis is. */
export type RedisPlace = Pick<
  Extract<OnlineStoreConfig, { type: "redis" }>,
  "connectionString" | "redisType" | "sentinelMaster" | "folder"
>;

/**
 * Reads online_store.connection_string as Feast writes it, or as a URL; docs/redis.md lists the settings. Paths count from the folder of the
 * file; a comma always separates, so no value outside of a URL can hold one.
 * @throws CONFIG_INVALID. No message holds a password.
 */
export function parseConnectionString(place: RedisPlace): RedisTarget {
  const settings = readConnectionSettings(place.connectionString);
  const login: RedisLogin = {
    tls: readTls(settings, place.folder),
    username: settings.values.get("username"),
    password: settings.values.get("password"),
    db: readIndex(settings, "db"),
  };
  switch (place.redisType) {
    case "redis":
      refuse(
        settings,
        SENTINEL_KEYS,
        "is for Sentinel",
        "Set online_store.redis_type to redis_sentinel, or leave it out",
      );
      return { kind: "single", endpoint: readOne(settings, place.folder), login };
    case "redis_cluster":
      refuse(settings, SENTINEL_KEYS, "is for Sentinel", "Leave it out");
      refuse(settings, ["unix_socket_path"], "cannot reach a cluster", "Name nodes of it as host:port");
      if (login.db !== 0) throw invalidConnection(`"db" is ${login.db}, and a cluster has db 0 alone`, "Leave it out");
      return { kind: "cluster", seeds: readSome(settings), login };
    case "redis_sentinel":
      refuse(settings, ["unix_socket_path"], "cannot reach a Sentinel", "Name Sentinels as host:port");
      return {
        kind: "sentinel",
        sentinels: readSome(settings),
        master: place.sentinelMaster,
        login,
        sentinelLogin: {
          tls: readFlag(settings, "sentinel_ssl", false) ? (login.tls ?? tlsFiles(settings, place.folder)) : undefined,
          username: settings.values.get("sentinel_username"),
          password: settings.values.get("sentinel_password"),
          db: 0,
        },
      };
  }
}

const SENTINEL_KEYS = ["sentinel_ssl", "sentinel_username", "sentinel_password"];
const TLS_KEYS = ["ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"];

function readOne(settings: ConnectionSettings, folder: string): RedisEndpoint {
  const path = settings.values.get("unix_socket_path");
  // redis-py takes the socket when both are there, and Feast's form cannot leave the host out.
  if (path !== undefined) return { path: resolve(folder, path) };
  const [host = "", ...more] = settings.hosts;
  if (more.length === 0) return readHost(host);
  const remedy = "Set online_store.redis_type to redis_cluster or redis_sentinel, or name one host:port";
  throw invalidConnection(`it names ${more.length + 1} servers, and online_store.redis_type is redis`, remedy);
}

function readSome({ hosts }: ConnectionSettings): readonly RedisEndpoint[] {
  return hosts.length === 0 ? [readHost("")] : hosts.map(readHost);
}

const HOST = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/i;

function readHost(part: string): RedisEndpoint {
  const [match, bracketed, plain, digits] = HOST.exec(part) ?? [];
  const port = Number(digits);
  if (match === undefined || port < 1 || port > 65535) {
    throw invalidConnection(
      part === "" ? "it names no server" : `"${part.slice(0, 60)}" is not host:port`,
      'Write it as "localhost:6379", with further settings as ",key=value"',
    );
  }
  return { host: bracketed ?? (plain as string), port };
}

function readTls(settings: ConnectionSettings, folder: string): TlsSettings | undefined {
  if (readFlag(settings, "ssl", false)) return tlsFiles(settings, folder);
  if (!readFlag(settings, "sentinel_ssl", false))
    refuse(settings, TLS_KEYS, "needs TLS", "Add ssl=true, or leave it out");
  return undefined;
}

function tlsFiles(settings: ConnectionSettings, folder: string): TlsSettings {
  const file = (key: string) => {
    const path = settings.values.get(key);
    return path === undefined || isAbsolute(path) ? path : resolve(folder, path);
  };
  const required = settings.values.get("ssl_cert_reqs")?.toLowerCase() ?? "required";
  if (required !== "required" && required !== "optional" && required !== "none") {
    throw invalidConnection('"ssl_cert_reqs" is neither required, optional nor none', "Write ssl_cert_reqs=required");
  }
  if (settings.values.has("ssl_keyfile") && !settings.values.has("ssl_certfile")) {
    throw invalidConnection(
      '"ssl_keyfile" is there without "ssl_certfile"',
      "Name the certificate of that key as well",
    );
  }
  return {
    caFile: file("ssl_ca_certs"),
    certFile: file("ssl_certfile"),
    keyFile: file("ssl_keyfile"),
    verify: required !== "none",
    checkHost: readFlag(settings, "ssl_check_hostname", true),
  };
}

function readFlag({ values }: ConnectionSettings, key: string, otherwise: boolean): boolean {
  const text = values.get(key)?.trim().toLowerCase() ?? String(otherwise);
  if (text !== "true" && text !== "false") {
    throw invalidConnection(`"${key}" is neither true nor false`, `Write ${key}=true`);
  }
  return text === "true";
}

function readIndex({ values }: ConnectionSettings, key: string): number {
  const text = values.get(key)?.trim() ?? "0";
  if (!/^\d{1,9}$/.test(text)) throw invalidConnection(`"${key}" is not a whole number from 0 on`, `Write ${key}=0`);
  return Number(text);
}

function refuse({ values }: ConnectionSettings, keys: readonly string[], why: string, remedy: string): void {
  const found = keys.find((key) => values.has(key));
  if (found !== undefined) throw invalidConnection(`"${found}" ${why}`, remedy);
}
