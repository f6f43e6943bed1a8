import { readFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { createServer, type Server, type ServerOptions } from "node:https";
import { createSecureContext } from "node:tls";
import { LarderError, type TlsConfig } from "@larder/schema";

/** What the files of `server.tls` hold. */
export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Given where clients must show a certificate: who signs them. */
  readonly clientCa: Buffer | undefined;
}

/** Reads certificates and key. @throws CONFIG_UNREADABLE; CONFIG_INVALID where they are no PEM, or the key is another certificate's */
export async function readTlsFiles({ cert, key, clientCa }: TlsConfig): Promise<TlsFiles> {
  const files = {
    cert: await read(cert),
    key: await read(key),
    clientCa: clientCa === undefined ? undefined : await read(clientCa),
  };
  try {
    createSecureContext({ cert: files.cert, key: files.key, ca: files.clientCa });
  } catch (cause) {
    // OpenSSL's words name the rule that was broken, and nothing of the key.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LarderError("CONFIG_INVALID", {
      what: `server.tls cannot be used: ${reason}`,
      remedy: "Give a certificate chain and its own private key, without a passphrase, in PEM",
      facts: { field: "server.tls", cert, key },
    });
  }
  return files;
}

/**
 * An HTTPS server of TLS 1.2 and 1.3; with `clientCa` it ends handshakes of clients without a certificate signed by it. A handshake
 * may take as long as headers may.
 */
export function createTlsServer(
  { cert, key, clientCa }: TlsFiles,
  options: Pick<ServerOptions, "maxHeaderSize" | "requestTimeout" | "connectionsCheckingInterval"> & {
    readonly headersTimeout: number;
  },
  handler: RequestListener,
): Server {
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  const server = createServer(
    { ...options, cert, key, ...clients, minVersion: "TLSv1.2", handshakeTimeout: options.headersTimeout },
    handler,
  );
  // What a plain server of the app does, too: an idle connection is kept for this long.
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

/** The keep-alive of Fastify's own server. */
const KEEP_ALIVE_MS = 72_000;

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    throw new LarderError("CONFIG_UNREADABLE", {
      what: `${file} of server.tls cannot be read (${code})`,
      remedy: "Check the path, and its rights",
      facts: { file },
      cause,
    });
  }
}
