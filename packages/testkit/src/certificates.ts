import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProcess } from "./process.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Files of a private CA and what it signed, in PEM, valid for two days and for 127.0.0.1 and localhost. */
export interface Certificates {
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
  remove(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Makes a private CA, a server's and a client's certificate with openssl; keys on the curve P-256, which takes a tenth of a second. */
export async function makeCertificates(): Promise<Certificates> {
  const { path, remove } = await temporaryFolder();
  const file = (name: string) => join(path, name);
  try {
    await openssl([
      "req",
      "-x509",
      ...NEW_KEY,
      "-days",
      "2",
      "-subj",
      "/CN=larder test CA",
      "-keyout",
      file("ca.key"),
      "-out",
      file("ca.crt"),
    ]);
    await writeFile(file("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
    for (const name of ["server", "client"]) {
      await openssl([
        "req",
        ...NEW_KEY,
        "-subj",
        `/CN=${name}`,
        "-keyout",
        file(`${name}.key`),
        "-out",
        file(`${name}.csr`),
      ]);
      const signed = [
        "-req",
        "-in",
        file(`${name}.csr`),
        "-days",
        "2",
        "-extfile",
        file("names"),
        "-out",
        file(`${name}.crt`),
      ];
      await openssl(["x509", ...signed, "-CA", file("ca.crt"), "-CAkey", file("ca.key"), "-CAcreateserial"]);
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    ca: file("ca.crt"),
    serverCert: file("server.crt"),
    serverKey: file("server.key"),
    clientCert: file("client.crt"),
    clientKey: file("client.key"),
    remove,
    [Symbol.asyncDispose]: remove,
  };
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

async function openssl(args: readonly string[]): Promise<void> {
  const { code, stderr } = await runProcess("openssl", args);
  if (code !== 0) throw new Error(`openssl ${args[0]} failed: ${stderr}`);
}
