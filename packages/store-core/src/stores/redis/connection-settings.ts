import { LarderError } from "@larder/schema";

/** A connection string taken apart: servers as they are written, and `key=value` settings, each known and set once. */
export interface ConnectionSettings {
  readonly hosts: readonly string[];
  readonly values: ReadonlyMap<string, string>;
}

/** What may be set: redis-py's names, which Feast passes on, and ours for the Sentinels' own doors. */
const KEYS: ReadonlySet<string> = new Set([
  "ssl",
  "ssl_ca_certs",
  "ssl_certfile",
  "ssl_keyfile",
  "ssl_cert_reqs",
  "ssl_check_hostname",
  "db",
  "username",
  "password",
  "unix_socket_path",
  "sentinel_ssl",
  "sentinel_username",
  "sentinel_password",
]);

/** Settings that users look for here and that stand elsewhere. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  redis_type: "Write it beside connection_string, as online_store.redis_type",
  sentinel_master: "Write it beside connection_string, as online_store.sentinel_master",
  socket_timeout: "Leave it out: online_store.deadline and write_deadline bound every wait",
  socket_connect_timeout: "Leave it out: Larder gives up connecting after five seconds",
};

/** Reads `host:port[,host:port…][,key=value…]`, Feast's form, or one URL. @throws CONFIG_INVALID; no message holds a password */
export function readConnectionSettings(text: string): ConnectionSettings {
  return /^\s*[a-z][a-z0-9+.-]*:\/\//i.test(text) ? readUrl(text.trim()) : readParts(text);
}

/** The error of a connection string that can't be used. */
export function invalidConnection(what: string, remedy: string): LarderError {
  return new LarderError("CONFIG_INVALID", {
    what: `online_store.connection_string is not valid: ${what}`,
    remedy,
    facts: { field: "online_store.connection_string" },
  });
}

const HOST = /^[^\s:]+:\d{1,5}$/;
const NO_COMMA = "A value cannot hold a comma; in a URL it can, as %2C";

function readParts(text: string): ConnectionSettings {
  const hosts: string[] = [];
  const values = new Map<string, string>();
  for (const part of text.split(",").map((each) => each.trim())) {
    const equals = part.indexOf("=");
    // What follows a password may be the rest of it, after a comma that it should not have had.
    const secret = [...values.keys()].some((key) => key.endsWith("password"));
    if (equals < 0) {
      if (secret && !HOST.test(part)) throw invalidConnection("What follows the password is not a setting", NO_COMMA);
      if (part !== "") hosts.push(part);
      continue;
    }
    set(values, part.slice(0, equals).trim(), unquoted(part.slice(equals + 1)), secret);
  }
  return { hosts, values };
}

function set(values: Map<string, string>, key: string, value: string, secret: boolean): void {
  if (!KEYS.has(key)) {
    const elsewhere = ELSEWHERE[key];
    const shown = secret && elsewhere === undefined ? "What follows the password" : `"${key.slice(0, 60)}"`;
    throw invalidConnection(`${shown} is not a known setting`, elsewhere ?? `Use ${[...KEYS].join(", ")}. ${NO_COMMA}`);
  }
  if (values.has(key)) throw invalidConnection(`"${key}" is set twice`, "Set it once");
  if (value !== "") values.set(key, value);
}

/** `password=123` and `password="123"` are both the text 123, as in Feast's files. */
function unquoted(text: string): string {
  if (!/^".*"$/s.test(text)) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}

const URL_FORM =
  'Write it as "rediss://user:password@host:6379/0" or "unix:///path/redis.sock?db=0", special characters as %xx';

function readUrl(text: string): ConnectionSettings {
  const match = /^(rediss?|unix):\/\/(?:([^@/?#]*)@)?([^/?#]*)([^?#]*)(?:\?([^#]*))?$/i.exec(text);
  if (match === null) throw invalidConnection("it is no URL of Redis", URL_FORM);
  const [, scheme = "", credentials = "", host = "", path = "", query = ""] = match;
  const values = new Map<string, string>();
  const [username = "", ...password] = credentials.split(":");
  set(values, "username", decoded(username), false);
  set(values, "password", decoded(password.join(":")), false);
  const kind = scheme.toLowerCase();
  if (kind === "unix") {
    if (host !== "" || path === "") throw invalidConnection("a unix URL names a path and no host", URL_FORM);
    set(values, "unix_socket_path", decoded(path), false);
  } else {
    if (kind === "rediss") set(values, "ssl", "true", false);
    if (path.length > 1) set(values, "db", decoded(path.slice(1)), false);
  }
  for (const part of query.split("&").filter((each) => each !== "")) {
    const [key = "", ...value] = part.split("=");
    if (key === "ssl")
      throw invalidConnection('"ssl" does not stand in a URL', "Write rediss:// for TLS, redis:// without");
    set(values, decoded(key), decoded(value.join("=")), false);
  }
  const port = /:\d+$/.test(host) ? "" : ":6379";
  return { hosts: kind === "unix" ? [] : [`${host === "" ? "localhost" : host}${port}`], values };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidConnection("a % in it stands for no character", URL_FORM);
  }
}
