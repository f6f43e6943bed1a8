import { type ErrorCode, LarderError } from "@larder/schema";

/**
 * Turns what ioredis rejects with into one of Larder's errors. An error that the server replied starts with Redis's own code, which decides; any
 * other means that the connection did not do its work. The cause keeps the text alone: ioredis hangs the command's arguments on its errors, and
 * with them passwords and entity keys.
 */
export function redisError(error: unknown, server: string): LarderError {
  const { name, message } = asError(error);
  const cause = new Error(message);
  if (name !== "ReplyError") {
    return new LarderError("STORE_UNAVAILABLE", {
      what: `Redis at ${server} cannot be reached (${message})`,
      remedy: "Check that it runs there and that online_store.connection_string is right",
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

/** A single-server client met a cluster. */
export function clusterError(server: string): LarderError {
  return new LarderError("STORE_MISCONFIGURED", {
    what: `Redis at ${server} is a node of a Redis Cluster, which this version does not speak to`,
    remedy: "Point online_store.connection_string at a single server",
    facts: { server },
  });
}

const CREDENTIALS = "Check username and password in online_store.connection_string";
const RIGHTS = "Allow its user ~l:* (with layout: feast ~*) with +@read +@write +@scripting +@connection +time";
const CLUSTER = "Point online_store.connection_string at a single server, not at a node of a Redis Cluster";
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
