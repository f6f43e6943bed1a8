import { type ErrorCode, isLarderError, LarderError } from "@larder/schema";

/**
 * Turns what ioredis rejects with into one of Larder's errors. An error that the server replied starts with Redis's own code, which decides; any
 * other means that the connection did not do its work. The cause keeps the text alone: ioredis hangs the command's arguments on its errors, and
 * with them passwords and entity keys.
 */
export function redisError(error: unknown, server: string): LarderError {
  const { name, message } = asError(error);
  const cause = new Error(message);
  if (isLarderError(error)) return error;
  if (name !== "ReplyError") {
    const [code, remedy] = tlsTrouble(error) ?? ["STORE_UNAVAILABLE", REACH];
    return new LarderError(code, {
      what: `Redis at ${server} cannot be reached (${message})`,
      remedy,
      facts: { server },
      cause,
    });
  }
  const [reply = "ERR"] = message.split(" ", 1);
  const [code, remedy] = REPLIES[reply] ?? ["INTERNAL", "Report it with the text above"];
  return new LarderError(code, {
    what: `Redis at ${server} answered: ${message.slice(0, 300)}`,
    remedy,
    facts: { server, reply },
    cause,
  });
}

/** The error of a connection that is not made: what Redis refuses while logging in is always the configuration's fault. */
export function loginError(error: unknown, server: string): LarderError {
  const failure = redisError(error, server);
  if (failure.code !== "INTERNAL") return failure;
  const { what, facts, cause } = failure;
  const remedy = "Check db, username and password in online_store.connection_string";
  return new LarderError("STORE_MISCONFIGURED", { what, remedy, facts, cause });
}

/** Code of an error reply: the first word, as Redis's protocol has it; undefined for other errors. */
export function replyCode(error: unknown): string | undefined {
  const { name, message } = asError(error);
  return name === "ReplyError" ? message.split(" ", 1)[0] : undefined;
}

/** All that Redis said. */
export function replyText(error: unknown): string {
  return asError(error).message;
}

/** A server of another kind than online_store.redis_type says. */
export function wrongTopology(server: string, is: string, redisType: string): LarderError {
  return new LarderError("STORE_MISCONFIGURED", {
    what: `Redis at ${server} is ${is}`,
    remedy: `Set online_store.redis_type to ${redisType}, or point online_store.connection_string elsewhere`,
    facts: { field: "online_store.redis_type", server },
  });
}

const REACH =
  "Check that it runs there, that online_store.connection_string is right, and that it says ssl=true if the server wants TLS, and only then";

/** What goes wrong in a TLS handshake, by Node's code (nodejs.org/api/tls.html, X509 certificate error codes). */
function tlsTrouble(error: unknown): readonly [ErrorCode, string] | undefined {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const remedy = UNTRUSTED.has(code)
    ? "Name the CA that signed its certificate: ssl_ca_certs=/path/ca.pem in online_store.connection_string"
    : TLS[code];
  return remedy === undefined ? undefined : ["STORE_MISCONFIGURED", remedy];
}

const UNTRUSTED: ReadonlySet<string> = new Set([
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "CERT_SIGNATURE_FAILURE",
]);

const CLIENT_CERTIFICATE =
  "The server wants a certificate of the client: set ssl_certfile and ssl_keyfile in online_store.connection_string";

const TLS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "Renew the server's certificate",
  CERT_NOT_YET_VALID: "Check the clocks of both machines",
  ERR_TLS_CERT_ALTNAME_INVALID: "Name the server as its certificate does, or set ssl_check_hostname=false",
  ERR_SSL_WRONG_VERSION_NUMBER: "The server speaks no TLS on this port: leave ssl=true out, or name its TLS port",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "The server speaks no TLS on this port: leave ssl=true out, or name its TLS port",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: CLIENT_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: CLIENT_CERTIFICATE,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "The server does not trust ssl_certfile: use one that its CA signed",
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: "ssl_keyfile is not the key of ssl_certfile: name the two that belong together",
};

const CREDENTIALS = "Check username and password in online_store.connection_string";
const RIGHTS =
  "Allow its user, with ACL SETUSER: ~l:* (with layout: feast ~*) +@read +@write +@scripting +@connection +time +memory|usage, and in a cluster +cluster|slots";

/** What a user needs for freshness signals, besides. */
export const CHANNEL_RIGHTS =
  "Allow its user, with ACL SETUSER: +spublish +ssubscribe &l::* (with layout: feast &lf::*); rows are written and read without";

const CLUSTER = "It is a node of a Redis Cluster: set online_store.redis_type to redis_cluster";
const LATER = "Try again when it is ready";
const ROOM = "Give Redis more memory, or remove data; maxmemory is its limit";

const REPLIES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  NOAUTH: ["STORE_MISCONFIGURED", CREDENTIALS],
  WRONGPASS: ["STORE_MISCONFIGURED", CREDENTIALS],
  NOPERM: ["STORE_MISCONFIGURED", RIGHTS],
  MOVED: ["STORE_MISCONFIGURED", CLUSTER],
  ASK: ["STORE_MISCONFIGURED", CLUSTER],
  CROSSSLOT: ["STORE_MISCONFIGURED", CLUSTER],
  WRONGTYPE: ["STORE_CORRUPT", "Remove the key that is not Larder's, or use another db"],
  CLUSTERDOWN: [
    "STORE_UNAVAILABLE",
    "Bring back the primaries that are missing, or wait until their replicas take over",
  ],
  TRYAGAIN: ["STORE_UNAVAILABLE", LATER],
  LOADING: ["STORE_UNAVAILABLE", LATER],
  BUSY: ["STORE_UNAVAILABLE", LATER],
  MASTERDOWN: ["STORE_UNAVAILABLE", LATER],
  READONLY: [
    "STORE_UNAVAILABLE",
    "Point online_store.connection_string at the primary, or try again after the failover",
  ],
  MISCONF: ["STORE_UNAVAILABLE", "Let Redis save to its disk again; it refuses writes until then"],
  NOREPLICAS: ["STORE_UNAVAILABLE", "Bring its replicas back; it refuses writes until then"],
  OOM: ["STORE_UNAVAILABLE", ROOM],
};

function asError(error: unknown): { name: string; message: string } {
  return error instanceof Error ? error : { name: "", message: String(error) };
}
