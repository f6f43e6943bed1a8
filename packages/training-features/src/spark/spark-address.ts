import { LarderError } from "@larder/schema";

/** Where a Spark Connect server is, and how it is spoken to. */
export interface SparkAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Secret: never in a message. */
  readonly token: string | undefined;
  readonly userId: string;
  /** Further headers of every request, as Databricks wants `x-databricks-cluster-id`. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Reads Spark's own connection string, `sc://host:port/;token=…;use_ssl=true`; the slash may be left out. A token asks for TLS, except on this machine.
 * @throws CONFIG_INVALID, without the text itself: it may hold a token
 */
export function parseSparkAddress(remote: string): SparkAddress {
  const [, authority, tail = ""] = /^sc:\/\/([^/;]+)\/?(?:;(.*))?$/.exec(remote) ?? [];
  if (authority === undefined) throw invalid("is not of the form sc://host:port/;key=value;key=value");
  const [, host, port = String(DEFAULT_PORT)] = /^(\[[0-9a-fA-F:]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(authority) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) throw invalid("names no host and port");
  const parameters = parametersOf(tail);
  const take = (key: string): string | undefined => {
    const value = parameters.get(key);
    parameters.delete(key);
    return value;
  };
  const token = take("token");
  const userId = take("user_id") ?? "larder";
  const local = LOCAL.has(host);
  const tls = flagOf(take("use_ssl")) ?? (token !== undefined && !local);
  if (token !== undefined && !tls && !local) throw invalid("would send its token without TLS: take use_ssl=false away");
  // Others of Spark's own parameters would be taken without a word, as headers.
  const odd = [...parameters.keys()].find((key) => !key.startsWith("x-"));
  if (odd !== undefined) throw invalid(`has the parameter "${odd}", which is none of token, use_ssl, user_id and x-…`);
  return { host, port: Number(port), tls, token, userId, headers: Object.fromEntries(parameters) };
}

const DEFAULT_PORT = 15002;
const LOCAL: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

function parametersOf(tail: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const part of tail.split(";").filter((text) => text !== "")) {
    const at = part.indexOf("=");
    if (at < 1) throw invalid("has a parameter that is not key=value");
    const key = part.slice(0, at);
    if (parameters.has(key)) throw invalid(`has the parameter "${key}" twice`);
    parameters.set(key, decoded(part.slice(at + 1)));
  }
  return parameters;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid("has a parameter whose percent-encoding is broken");
  }
}

function flagOf(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (text === "true" || text === "false") return text === "true";
  throw invalid("has a use_ssl that is neither true nor false");
}

function invalid(what: string): LarderError {
  return new LarderError("CONFIG_INVALID", {
    what: `offline_store.remote ${what}`,
    remedy: 'Write it as Spark does: "sc://host:15002/;token=…;use_ssl=true"',
    facts: { field: "offline_store.remote" },
  });
}
