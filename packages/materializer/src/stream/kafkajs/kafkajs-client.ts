import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { LarderError, StreamConfig } from "@larder/schema";
import type { Kafka, KafkaConfig, SASLOptions } from "kafkajs";
import { missingPackages, streamError } from "../stream-errors.ts";
import { readTlsFiles, type TlsFiles } from "../tls-files.ts";
import { lz4Codec, snappyCodec, zstdCodec } from "./codecs.ts";

/** A kafkajs client, and the way to end its connections when it does not do so itself. */
export interface KafkajsClient {
  readonly kafka: Kafka;
  /** What the package exports. */
  readonly package: KafkajsPackage;
  /** Ends what is still connected, at once. */
  destroySockets(): void;
}

export type KafkajsPackage = typeof import("kafkajs");

/** Makes clients of one configuration. @throws MISSING_DEPENDENCY, CONFIG_UNREADABLE */
export async function prepareKafkajs(config: StreamConfig): Promise<() => KafkajsClient> {
  const loaded = await loadPackage();
  const tls = config.tls === undefined ? undefined : await readTlsFiles(config.tls);
  return () => createClient(config, loaded, tls);
}

/** The coded error of what kafkajs threw. */
export function kafkajsError(error: unknown, doing: string): LarderError {
  return streamError({ name: protocolName(error), doing, cause: error });
}

/** Runs `disconnect`; what it has not ended in time is cut. */
export async function endWithin(ms: number, client: KafkajsClient, disconnect: () => Promise<void>): Promise<void> {
  const timer = setTimeout(() => client.destroySockets(), ms);
  try {
    await disconnect();
  } catch {
    // A connection that is already broken can't be ended in good order; it is cut below like any other.
  } finally {
    clearTimeout(timer);
    client.destroySockets();
  }
}

/** A broker that does not answer must not keep a process from ending. */
export const CLOSE_MS = 5_000;

async function loadPackage(): Promise<KafkajsPackage> {
  try {
    const loaded = await import("kafkajs");
    const { CompressionCodecs, CompressionTypes } = loaded.default;
    CompressionCodecs[CompressionTypes.Snappy] = () => snappyCodec;
    CompressionCodecs[CompressionTypes.LZ4] = () => lz4Codec;
    CompressionCodecs[CompressionTypes.ZSTD] = () => zstdCodec;
    return loaded.default;
  } catch (cause) {
    throw missingPackages("kafkajs", "kafkajs@2.2.4 lz4-napi snappyjs", cause);
  }
}

function createClient(config: StreamConfig, loaded: KafkajsPackage, tls: TlsFiles | undefined): KafkajsClient {
  const sockets = new Set<Socket>();
  let ended = false;
  const settings: KafkaConfig = {
    brokers: [...config.brokers],
    clientId: config.clientId,
    requestTimeout: config.requestTimeoutMs,
    connectionTimeout: config.requestTimeoutMs,
    authenticationTimeout: config.requestTimeoutMs,
    // What takes longer is begun anew by whoever uses the client, with a pause that grows.
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 4, restartOnFailure: async () => false },
    // Everything that goes wrong arrives as an error or an event; kafkajs's own lines would be in no format.
    logLevel: loaded.logLevel.NOTHING,
    socketFactory: ({ host, port, ssl, onConnect }) => {
      const to = { host, port, ...(ssl ?? {}) };
      const secured = ssl !== undefined && ssl !== null;
      const socket = secured
        ? connectTls({ ...to, ...(/^[\d.:]+$/.test(host) ? {} : { servername: host }) }, onConnect)
        : connectTcp({ host, port }, onConnect);
      // kafkajs may still be trying again when it has been told to end.
      if (ended) socket.destroy();
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      socket.setKeepAlive(true, 60_000);
      return socket;
    },
    ...(tls === undefined ? {} : { ssl: { ...tls } }),
    ...(config.sasl === undefined ? {} : { sasl: saslOptions(config.sasl) }),
  };
  return {
    kafka: new loaded.Kafka(settings),
    package: loaded,
    destroySockets: () => {
      ended = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

function saslOptions({ mechanism, username, password }: NonNullable<StreamConfig["sasl"]>): SASLOptions {
  return { mechanism, username, password };
}

/** The protocol's name of an error, of the error itself or of what caused it. */
function protocolName(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++) {
    if (at.name === "KafkaJSSASLAuthenticationError") return "SASL_AUTHENTICATION_FAILED";
    if ("type" in at && typeof at.type === "string") return at.type;
    if ("errors" in at && Array.isArray(at.errors)) {
      const [first] = at.errors;
      const name = protocolName(first);
      if (name !== undefined) return name;
    }
    // How deleteGroups tells of each group.
    if ("groups" in at && Array.isArray(at.groups)) return protocolName(at.groups[0]?.error);
  }
  return undefined;
}
