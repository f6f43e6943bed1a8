import { readFileSync } from "node:fs";
import { type ClientRequest, request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { LarderError, parseJson, type SchemaRegistryConfig } from "@larder/schema";

/** Asks a registry with the API of Confluent's (which Karapace and Apicurio have, too). */
export interface RegistryClient {
  /**
   * The answer to `GET path`, undefined where the registry says that it has no such schema.
   * @throws STREAM_UNAVAILABLE when it cannot be reached or answers in no time; STREAM_MISCONFIGURED when it refuses who asks, or is none
   */
  get(path: string): Promise<Readonly<Record<string, unknown>> | undefined>;
}

/** Largest answer, in bytes. */
const MAX_ANSWER = 8_388_608;

/** Codes of "schema", "subject" and "version not found" in the registry's API: an answer 404 without one comes from somebody else. */
const NOT_FOUND: ReadonlySet<unknown> = new Set([40401, 40402, 40403]);

/** A client for one registry; requests end after `timeoutMs`. It keeps no connection, as a schema is asked for once. */
export function createRegistryClient(config: SchemaRegistryConfig, timeoutMs: number): RegistryClient {
  const { url, username, password } = config;
  const options: RequestOptions & { ca?: Buffer } = {
    agent: false,
    headers: {
      accept: "application/vnd.schemaregistry.v1+json, application/json",
      ...(username === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}` }),
    },
    ...(config.ca === undefined ? {} : { ca: readCertificates(config.ca) }),
  };
  const request = url.startsWith("https:") ? httpsRequest : httpRequest;
  const { host } = new URL(url);
  return {
    async get(path) {
      const { status, body } = await answerOf(request(`${url}${path}`, options), host, timeoutMs);
      const answer = readAnswer(body);
      if (status === 200 && answer !== undefined) return answer;
      if (status === 404 && NOT_FOUND.has(answer?.["error_code"])) return undefined;
      if (status === 401 || status === 403) {
        throw misconfigured(
          `refuses its user (HTTP ${status})`,
          "Correct username and password of stream.schema_registry",
        );
      }
      if (status === 429 || status >= 500) throw unavailable(`answers HTTP ${status}`);
      throw misconfigured(
        `answers HTTP ${status}, as no schema registry does`,
        "Correct the url of stream.schema_registry",
      );
    },
  };

  function misconfigured(what: string, remedy: string): LarderError {
    return new LarderError("STREAM_MISCONFIGURED", { what: `The schema registry at ${host} ${what}`, remedy });
  }

  function unavailable(what: string): LarderError {
    return unavailableRegistry(host, what);
  }
}

function unavailableRegistry(host: string, what: string, cause?: unknown): LarderError {
  return new LarderError("STREAM_UNAVAILABLE", {
    what: `The schema registry at ${host} ${what}`,
    remedy: "Bring it back; records wait for it",
    ...(cause === undefined ? {} : { cause }),
  });
}

async function answerOf(
  request: ClientRequest,
  host: string,
  timeoutMs: number,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(unavailableRegistry(host, `has not answered within ${timeoutMs} ms`));
      request.destroy();
    }, timeoutMs);
    const fail = (cause: Error): void => {
      clearTimeout(timer);
      reject(unavailableRegistry(host, "cannot be reached", cause));
    };
    request.on("error", fail);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > MAX_ANSWER) request.destroy(new Error(`its answer is beyond ${MAX_ANSWER} bytes`));
        else chunks.push(chunk);
      });
      response.on("error", fail);
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") });
      });
    });
    request.end();
  });
}

function readAnswer(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const answer = parseJson(body);
    return typeof answer === "object" && answer !== null && !Array.isArray(answer)
      ? (answer as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    // What is no JSON is no registry's answer; the status tells the rest.
    return undefined;
  }
}

function readCertificates(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new LarderError("STREAM_MISCONFIGURED", {
      what: `The certificates ${path} of the schema registry cannot be read`,
      remedy: "Correct ca of stream.schema_registry",
      cause,
    });
  }
}
