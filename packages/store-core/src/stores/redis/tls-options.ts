import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import { invalidConnection } from "./connection-settings.ts";
import type { TlsSettings } from "./redis-target.ts";

/** Reads the files that TLS settings name. @throws CONFIG_INVALID naming the setting and the file */
export async function readTlsOptions(settings: TlsSettings): Promise<ConnectionOptions> {
  const { caFile, certFile, keyFile, verify, checkHost } = settings;
  const cert = await read("ssl_certfile", certFile);
  const key = keyFile === undefined ? cert : await read("ssl_keyfile", keyFile);
  const ca = await read("ssl_ca_certs", caFile);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert, key }),
    rejectUnauthorized: verify,
    ...(checkHost ? {} : { checkServerIdentity: () => undefined }),
  };
}

async function read(setting: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw invalidConnection(
      `the file of "${setting}", ${path}, cannot be read (${code})`,
      "Name a PEM file that this process may read",
    );
  }
  if (text.includes("-----BEGIN ")) return text;
  throw invalidConnection(`the file of "${setting}", ${path}, is not PEM`, "Convert it with openssl to PEM");
}
