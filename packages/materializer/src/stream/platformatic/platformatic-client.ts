import type { LarderError, StreamConfig } from "@larder/schema";
import type { BaseOptions } from "@platformatic/kafka";
import { missingPackages, streamError } from "../stream-errors.ts";
import { readTlsFiles } from "../tls-files.ts";

export type PlatformaticPackage = typeof import("@platformatic/kafka");

/** The package and what every one of its clients is made with. */
export interface PreparedPlatformatic {
  readonly package: PlatformaticPackage;
  readonly options: BaseOptions;
}

/** Loads the package and the files of `stream.tls`. @throws MISSING_DEPENDENCY, CONFIG_UNREADABLE */
export async function preparePlatformatic(config: StreamConfig): Promise<PreparedPlatformatic> {
  const loaded = await loadPackage();
  const tls = config.tls === undefined ? undefined : await readTlsFiles(config.tls);
  const mechanisms = { plain: "PLAIN", "scram-sha-256": "SCRAM-SHA-256", "scram-sha-512": "SCRAM-SHA-512" } as const;
  return {
    package: loaded,
    options: {
      clientId: config.clientId,
      bootstrapBrokers: [...config.brokers],
      connectTimeout: config.requestTimeoutMs,
      requestTimeout: config.requestTimeoutMs,
      // What takes longer is begun anew by whoever uses the client, with a pause that grows.
      retries: 4,
      retryDelay: 100,
      autocreateTopics: false,
      ...(tls === undefined ? {} : { tls: { ...tls } }),
      ...(config.sasl === undefined
        ? {}
        : {
            sasl: {
              mechanism: mechanisms[config.sasl.mechanism],
              username: config.sasl.username,
              password: config.sasl.password,
            },
          }),
    },
  };
}

/** The coded error of what the package threw. */
export function platformaticError(error: unknown, doing: string): LarderError {
  return streamError({ name: protocolName(error), doing, cause: error });
}

async function loadPackage(): Promise<PlatformaticPackage> {
  try {
    return await import("@platformatic/kafka");
  } catch (cause) {
    throw missingPackages("platformatic", "@platformatic/kafka", cause);
  }
}

/** The protocol's name of an error, of the error itself, of those it sums up, or of what caused it. */
function protocolName(error: unknown, depth = 0): string | undefined {
  if (!(error instanceof Error) || depth > 10) return undefined;
  if ("apiId" in error && typeof error.apiId === "string") return error.apiId;
  if ("code" in error && error.code === "PLT_KFK_AUTHENTICATION") return "SASL_AUTHENTICATION_FAILED";
  // How the package itself says that the brokers' metadata have no such topic.
  if ("code" in error && error.code === "PLT_KFK_USER" && error.message.startsWith("Unknown topic")) {
    return "UNKNOWN_TOPIC_OR_PARTITION";
  }
  const inner = error instanceof AggregateError ? error.errors : [];
  for (const each of [...inner, error.cause]) {
    const name = protocolName(each, depth + 1);
    if (name !== undefined) return name;
  }
  return undefined;
}
