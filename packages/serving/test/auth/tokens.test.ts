import { createHmac } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { ROUTES } from "@larder/contract";
import type { LarderError } from "@larder/schema";
import { LOOPBACK, temporaryFolder } from "@larder/testkit";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { expect, test } from "vitest";
import { createApiKey } from "../../src/index.ts";
import { FEATURES, feastError, openWorld, type World } from "../support/world.ts";

const ISSUER = "https://issuer.example";
const ask = { features: ["profile:plan"], entities: { customer_id: [1] } };

async function signer(kid: string, alg = "ES256") {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg } };
}
type Signer = Awaited<ReturnType<typeof signer>>;

const first = await signer("first");
const second = await signer("second", "RS256");

/** A token of the tests' issuer for an hour from the logical clock's start on; `claims` change it, undefined takes one away. */
function token({ alg, kid, privateKey }: Signer, claims: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT(payload(claims)).setProtectedHeader({ alg, kid }).sign(privateKey);
}

const START = Date.UTC(2024, 0, 1) / 1000;

function payload(claims: Record<string, unknown>): JWTPayload {
  const all = { iss: ISSUER, aud: "larder", exp: START + 3600, tenant: "default", scope: "openid read", ...claims };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Serves key sets; `answer` may be changed, `asked` counts. */
async function issuer(keys: readonly Signer[]) {
  const state = {
    asked: 0,
    answer: (response: ServerResponse): void => void response.end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })),
  };
  const server: Server = createServer((_request, response) => {
    state.asked++;
    state.answer(response);
  });
  await once(server.listen(0, LOOPBACK), "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return Object.assign(state, { url: `http://${LOOPBACK}:${port}/keys?secret=hush`, [Symbol.asyncDispose]: close });
}

function open(jwks: string, problems: LarderError[] = [], more = ""): Promise<World> {
  const jwt = `{ ${jwks}, issuer: "${ISSUER}", audience: larder }`;
  return openWorld(`${FEATURES}server: { auth: { jwt: ${jwt}${more} } }\n`, problems);
}

async function read(world: World, bearer: string, tenant?: string) {
  const headers = { authorization: `Bearer ${bearer}`, ...(tenant === undefined ? {} : { "x-larder-tenant": tenant }) };
  const response = await world.post(ROUTES.getOnlineFeatures.path, ask, headers);
  return response.statusCode === 200 ? 200 : `${response.statusCode} ${feastError(response)["code"]}`;
}

test("a token of the issuer, for this audience and in time is taken; keys are asked for once", async () => {
  await using keys = await issuer([first, second]);
  await using world = await open(`jwks_url: "${keys.url}"`);
  expect(keys.asked).toBe(0);
  for (const each of [first, second]) expect(await read(world, await token(each))).toBe(200);
  expect(await read(world, await token(first, { aud: ["other", "larder"], scope: ["read", "write"] }))).toBe(200);
  expect(await read(world, await token(first, { tenant: ["acme", "default"] }), "acme")).toBe(200);
  expect(keys.asked).toBe(1);

  const refused = "401 UNAUTHENTICATED";
  expect(await read(world, await token(first, { iss: "https://other.example" }))).toBe(refused);
  expect(await read(world, await token(first, { aud: "other" }))).toBe(refused);
  expect(await read(world, await token(first, { exp: undefined }))).toBe(refused);
  expect(await read(world, await token(first, { nbf: START + 61 }))).toBe(refused);
  expect(await read(world, await token(first, { nbf: START + 60 }))).toBe(200);

  const denied = "403 FORBIDDEN";
  expect(await read(world, await token(first, { scope: "write predict admin" }))).toBe(denied);
  expect(await read(world, await token(first, { scope: undefined }))).toBe(denied);
  expect(await read(world, await token(first, { tenant: undefined }))).toBe(denied);
  expect(await read(world, await token(first), "acme")).toBe(denied);
  expect(await read(world, await token(first, { tenant: 7 }))).toBe(denied);
});

test("a token ends at exp and the clocks' difference that is allowed for", async () => {
  await using keys = await issuer([first]);
  await using world = await open(`jwks_url: "${keys.url}"`);
  const bearer = await token(first, { exp: START + 100 });
  world.clock.advance(159_000_000);
  expect(await read(world, bearer)).toBe(200);
  world.clock.advance(1_000_000);
  expect(await read(world, bearer)).toBe("401 UNAUTHENTICATED");
});

test("a token that is not signed, or with a secret made of the public key, or whose text was changed, is refused", async () => {
  await using keys = await issuer([first]);
  await using world = await open(`jwks_url: "${keys.url}"`);
  const good = await token(first);
  const [head = "", body = "", signature = ""] = good.split(".");
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const confused = `${encode({ alg: "HS256", kid: "first" })}.${body}`;
  const mac = createHmac("sha256", JSON.stringify(first.jwk)).update(confused).digest("base64url");
  const forged = [
    new UnsecuredJWT(payload({})).encode(),
    `${confused}.${mac}`,
    `${head}.${encode(payload({ tenant: "acme" }))}.${signature}`,
    `${head}.${body}.`,
    `${encode({ alg: "ES256", kid: "first", jwk: second.jwk })}.${body}.${signature}`,
    await token(await signer("first")),
    "a.b.c",
    "..",
  ];
  for (const each of forged) expect([each, await read(world, each)]).toEqual([each, "401 UNAUTHENTICATED"]);
});

test("a new key of the issuer is found by its first token, and unknown ones do not make the server ask on and on", async () => {
  const published = [first];
  await using keys = await issuer(published);
  await using world = await open(`jwks_url: "${keys.url}"`);
  expect(await read(world, await token(first))).toBe(200);
  published.splice(0, 1, second);
  world.clock.advance(10_000_000);
  expect(await read(world, await token(second))).toBe(200);
  expect(keys.asked).toBe(2);
  expect(await read(world, await token(first))).toBe("401 UNAUTHENTICATED");
  const unknown = await signer("unknown");
  await Promise.all(Array.from({ length: 20 }, async () => read(world, await token(unknown))));
  expect(keys.asked).toBe(2);
});

test.each([
  ["is down", (response: ServerResponse) => void response.destroy()],
  ["fails", (response: ServerResponse) => void response.writeHead(500).end("no")],
  ["hangs", () => {}],
  ["answers no keys", (response: ServerResponse) => void response.end("<html>")],
  ["answers secret keys", (response: ServerResponse) => void response.end('{"keys":[{"kty":"oct","k":"AA"}]}')],
  ["answers without end", (response: ServerResponse) => void response.end(Buffer.alloc(300_000, 32))],
  ["sends elsewhere", (response: ServerResponse) => void response.writeHead(302, { location: "/" }).end()],
])(
  "an issuer that %s: tokens are 503 until keys were read once, then judged by those for an hour; API keys go on",
  async (_name, fail) => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, "keys.jsonl");
    const { key } = await createApiKey(
      file,
      { tenants: ["default"], scopes: ["read"], expiresIn: undefined },
      { now: () => 0 },
    );
    await using keys = await issuer([first]);
    const answer = keys.answer;
    const problems: LarderError[] = [];
    await using world = await open(`jwks_url: "${keys.url}"`, problems, `, keys: "${file}"`);
    const bearer = await token(first, { exp: START + 86_400 });

    keys.answer = fail;
    expect(await read(world, bearer)).toBe("503 AUTH_UNAVAILABLE");
    expect(await read(world, key)).toBe(200);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).not.toContain("hush");
    keys.answer = answer;
    world.clock.advance(10_000_000);
    expect(await read(world, bearer)).toBe(200);
    keys.answer = fail;
    world.clock.advance(3_600_000_000);
    expect(await read(world, bearer)).toBe(200);
    world.clock.advance(11_000_000);
    expect(await read(world, bearer)).toBe("503 AUTH_UNAVAILABLE");
    expect(await read(world, key)).toBe(200);
  },
);

test("keys may lie in a file", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "jwks.json");
  await writeFile(file, JSON.stringify({ keys: [first.jwk] }));
  await using world = await open(`jwks_file: "${file}"`);
  expect(await read(world, await token(first))).toBe(200);
  expect(await read(world, await token(second))).toBe("401 UNAUTHENTICATED");
  await writeFile(file, "{}");
  await expect(open(`jwks_file: "${file}"`)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});
