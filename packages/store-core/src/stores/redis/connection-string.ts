import { LarderError } from "@larder/schema";

/** Where a Redis server is and how to get in. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/**
 * Reads `host:port[,key=value…]` as Feast writes it. Keys are `ssl`, `db`, `username` and `password`; text may stand in double quotes; a comma
 * always separates, so no value can hold one.
 * @throws CONFIG_INVALID for another form, UNSUPPORTED for a topology that is not a single server. No message holds the password.
 */
export function parseConnectionString(text: string): RedisAddress {
  if (text.includes("://")) throw unsupported("A URL", 'Write "host:port", with ",ssl=true" in place of rediss://');
  const { hosts, settings } = split(text);
  if (hosts.length > 1) {
    throw unsupported(`${hosts.length} hosts (Cluster or Sentinel)`, "Name one host:port of a single server");
  }
  return {
    ...readHost(hosts[0] ?? ""),
    tls: readFlag(settings, "ssl"),
    db: readIndex(settings, "db"),
    username: readText(settings, "username"),
    password: readText(settings, "password"),
  };
}

const KEYS: ReadonlySet<string> = new Set(["ssl", "db", "username", "password"]);
const TOPOLOGY: ReadonlySet<string> = new Set(["redis_type", "sentinel_master"]);

function split(text: string): { hosts: string[]; settings: Map<string, string> } {
  const hosts: string[] = [];
  const settings = new Map<string, string>();
  for (const part of text.split(",").map((each) => each.trim())) {
    const equals = part.indexOf("=");
    // What follows a password may be the rest of it, after a comma that it should not have had.
    const shown = settings.has("password") ? "What follows the password" : `"${part.slice(0, equals).slice(0, 60)}"`;
    if (equals < 0) {
      if (settings.has("password") && !HOST.test(part)) throw invalid(`${shown} is not a setting`, NO_COMMA);
      hosts.push(part);
      continue;
    }
    const key = part.slice(0, equals).trim();
    if (TOPOLOGY.has(key)) throw unsupported(`"${key}"`, "Name one host:port of a single server");
    if (!KEYS.has(key)) throw invalid(`${shown} is not a known setting`, `Use ${[...KEYS].join(", ")}. ${NO_COMMA}`);
    if (settings.has(key)) throw invalid(`"${key}" is set twice`, "Set it once");
    settings.set(key, part.slice(equals + 1));
  }
  return { hosts, settings };
}

const HOST = /^([^\s:]+):(\d{1,5})$/;
const NO_COMMA = "A value cannot hold a comma";

function readHost(part: string): { host: string; port: number } {
  const match = HOST.exec(part);
  const port = Number(match?.[2]);
  if (match === null || port < 1 || port > 65535) {
    throw invalid(
      part === "" ? "it names no server" : `"${part.slice(0, 60)}" is not host:port`,
      'Write it as "localhost:6379", with further settings as ",key=value"',
    );
  }
  return { host: match[1] as string, port };
}

function readFlag(settings: ReadonlyMap<string, string>, key: string): boolean {
  const text = settings.get(key)?.trim().toLowerCase() ?? "false";
  if (text !== "true" && text !== "false") throw invalid(`"${key}" is neither true nor false`, `Write ${key}=true`);
  return text === "true";
}

function readIndex(settings: ReadonlyMap<string, string>, key: string): number {
  const text = settings.get(key)?.trim() ?? "0";
  if (!/^\d{1,9}$/.test(text)) throw invalid(`"${key}" is not a whole number from 0 on`, `Write ${key}=0`);
  return Number(text);
}

/** `password=123` and `password="123"` are both the text 123, as in Feast's files. */
function readText(settings: ReadonlyMap<string, string>, key: string): string | undefined {
  const text = settings.get(key);
  if (text === undefined || text === "") return undefined;
  if (!/^".*"$/s.test(text)) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}

function invalid(what: string, remedy: string): LarderError {
  return new LarderError("CONFIG_INVALID", {
    what: `online_store.connection_string is not valid: ${what}`,
    remedy,
    facts: { field: "online_store.connection_string" },
  });
}

function unsupported(what: string, remedy: string): LarderError {
  return new LarderError("UNSUPPORTED", {
    what: `${what} in online_store.connection_string is not supported`,
    remedy,
    facts: { field: "online_store.connection_string" },
  });
}
