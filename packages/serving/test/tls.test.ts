import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { type Certificates, makeCertificates, temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTlsFiles } from "../src/index.ts";
import { FEATURES, openWorld, type World } from "./support/world.ts";

let certificates: Certificates;
let other: Certificates;
beforeAll(async () => {
  [certificates, other] = await Promise.all([makeCertificates(), makeCertificates()]);
});
afterAll(async () => {
  await certificates.remove();
  await other.remove();
});

async function listening(more = "", limits = ""): Promise<World> {
  const { serverCert, serverKey } = certificates;
  const tls = `{ cert: "${serverCert}", key: "${serverKey}"${more} }`;
  const world = await openWorld(`${FEATURES}server: { tls: ${tls}${limits} }\n`);
  await world.app.listen({ host: "127.0.0.1", port: 0 });
  return world;
}

function portOf(world: World): number {
  const [address] = world.app.addresses();
  if (typeof address !== "object") throw new Error("the app does not listen");
  return address.port;
}

/** Status of a read over TLS, or the code of why there was none. */
async function status(world: World, options: { ca: string; cert?: string; key?: string; maxVersion?: "TLSv1.1" }) {
  const files = Object.fromEntries(
    await Promise.all(
      (["ca", "cert", "key"] as const)
        .filter((name) => options[name] !== undefined)
        .map(async (name) => [name, await readFile(options[name] ?? "")]),
    ),
  );
  const old = options.maxVersion === undefined ? {} : { minVersion: "TLSv1" as const, maxVersion: options.maxVersion };
  const call = request({ host: "127.0.0.1", port: portOf(world), path: "/livez", agent: false, ...files, ...old });
  call.end();
  try {
    const [response] = await once(call, "response");
    response.resume();
    await once(response, "end");
    return response.statusCode;
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : String(error);
  }
}

test("a server with TLS answers those that trust its certificate, and nobody in the clear or in an old version", async () => {
  await using world = await listening();
  const { ca } = certificates;
  expect(await status(world, { ca })).toBe(200);
  expect(await status(world, { ca: other.ca })).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  expect(await status(world, { ca, maxVersion: "TLSv1.1" })).toMatch(/^E/);
  await expect(fetch(`http://127.0.0.1:${portOf(world)}/livez`)).rejects.toThrow();
  expect(await status(world, { ca })).toBe(200);
});

test("with client_cert: require only clients whose certificate the CA has signed are let in", async () => {
  await using world = await listening(`, ca: "${certificates.ca}", client_cert: require`);
  const { ca, clientCert: cert, clientKey: key } = certificates;
  expect(await status(world, { ca, cert, key })).toBe(200);
  expect(await status(world, { ca })).not.toBe(200);
  expect(await status(world, { ca, cert: other.clientCert, key: other.clientKey })).not.toBe(200);
  const document = (await world.get("/openapi.json")).json();
  expect(document.components.securitySchemes).toEqual({ certificate: { type: "mutualTLS" } });
  expect(document.paths["/livez"].get.security).toEqual([{ certificate: [] }]);
});

test("limits on headers and their time hold over TLS", async () => {
  await using world = await listening("", ", header_limit: 4KiB, headers_timeout: 200ms, request_timeout: 5s");
  const ca = await readFile(certificates.ca);
  const said = async (text: string) => {
    const socket: TLSSocket = connect({ host: "127.0.0.1", port: portOf(world), ca });
    let all = "";
    socket.setEncoding("utf8").on("data", (more) => (all += more));
    socket.write(text);
    await once(socket, "close");
    return all;
  };
  expect(await said(`GET /livez HTTP/1.1\r\nhost: x\r\nx-long: ${"a".repeat(5000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431 /,
  );
  expect(await said("GET /livez HTTP/1.1\r\nhost: x\r\n")).toMatch(/^HTTP\/1\.1 408 /);
  // A handshake that does not come ends, too.
  await once(
    connectPlain(portOf(world), "127.0.0.1")
      .on("error", () => {})
      .resume(),
    "close",
  );
});

test("the app closes though a client does not end its handshake, another says nothing, and lets a request finish", async () => {
  const world = await listening();
  const port = portOf(world);
  const ca = await readFile(certificates.ca);
  const silent = connectPlain(port, "127.0.0.1");
  const idle = connect({ host: "127.0.0.1", port, ca });
  const closed = [silent, idle].map((socket) => once(socket.on("error", () => {}).resume(), "close"));
  await Promise.all([once(silent, "connect"), once(idle, "secureConnect")]);
  expect(await status(world, { ca: certificates.ca })).toBe(200);
  await world[Symbol.asyncDispose]();
  await Promise.all(closed);
});

test("files that cannot be used are coded errors which show nothing of the key", async () => {
  await using folder = await temporaryFolder();
  const { serverCert: cert } = certificates;
  const missing = join(folder.path, "none.pem");
  await expect(readTlsFiles({ cert, key: missing, clientCa: undefined })).rejects.toMatchObject({
    code: "CONFIG_UNREADABLE",
  });
  const broken = join(folder.path, "broken.pem");
  await writeFile(broken, "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n");
  for (const wrong of [broken, other.serverKey, cert]) {
    const refused = readTlsFiles({ cert, key: wrong, clientCa: undefined });
    await expect(refused).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(refused).rejects.not.toThrow(/hush/);
  }
});
