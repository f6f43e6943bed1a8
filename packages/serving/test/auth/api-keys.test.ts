import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Access, ROUTES, type RouteContract, SCOPES, type Scope } from "@larder/contract";
import type { LarderError } from "@larder/schema";
import { temporaryFolder, until } from "@larder/testkit";
import type { LightMyRequestResponse } from "fastify";
import { expect, test } from "vitest";
import { buildApp, createApiKey, revokeApiKey } from "../../src/index.ts";
import { FEATURES, feastError, openWorld, profileFrame, type World } from "../support/world.ts";

const ask = { features: ["profile:plan"], entities: { customer_id: [1] } };

/** A world with API keys, and how to make and use them. */
async function guarded(more = "", problems: LarderError[] = []) {
  const folder = await temporaryFolder();
  const file = join(folder.path, "keys.jsonl");
  await writeFile(file, "");
  const world = await openWorld(`${FEATURES}server: { auth: { keys: "${file}"${more} } }\n`, problems);
  const make = async (scopes: readonly Scope[], tenants = ["default"], expiresIn?: number) => {
    const made = await createApiKey(file, { scopes, tenants, expiresIn }, world.clock);
    // Whatever the key is good for, it is taken from now on.
    await until(
      10_000,
      "the key is taken",
      async () => (await call(world, ROUTES.openapi, made.key)).statusCode === 200,
    );
    return made;
  };
  const close = async () => {
    await world[Symbol.asyncDispose]();
    await folder.remove();
  };
  return { world, file, make, [Symbol.asyncDispose]: close };
}

function call(world: World, route: RouteContract, key?: string, headers: Record<string, string> = {}) {
  return world.app.inject({
    method: route.method,
    url: route.path.replaceAll(/\{\w+\}/g, "x"),
    headers: {
      ...(route.method === "POST" ? { "content-type": "application/json" } : {}),
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...headers,
    },
  });
}

function codeOf(response: LightMyRequestResponse, route: RouteContract): unknown {
  return route.errors === "feast" ? feastError(response)["code"] : response.json().code;
}

const NEEDS: Readonly<Record<keyof typeof ROUTES, Access>> = {
  getOnlineFeatures: "read",
  push: "write",
  writeToOnlineStore: "write",
  deleteFromOnlineStore: "write",
  historicalFeatures: "historical",
  materialize: "admin",
  materializeIncremental: "admin",
  materializeJob: "admin",
  predict: "predict",
  predictWithModel: "predict",
  predictWithVersion: "predict",
  listModels: "predict",
  modelNames: "predict",
  modelMetadata: "predict",
  versionMetadata: "predict",
  modelReady: "predict",
  versionReady: "predict",
  repositoryIndex: "predict",
  loadModel: "admin",
  unloadModel: "admin",
  infer: "predict",
  inferWithVersion: "predict",
  inferenceServer: "authenticated",
  inferenceLive: "open",
  inferenceReady: "open",
  livez: "open",
  readyz: "open",
  health: "open",
  metrics: "admin",
  openapi: "authenticated",
  docs: "authenticated",
};

test("every route takes the credentials that its scope says, and no others", async () => {
  await using at = await guarded();
  const keys = new Map(await Promise.all(SCOPES.map(async (scope) => [scope, (await at.make([scope])).key] as const)));
  for (const [name, route] of Object.entries<RouteContract>(ROUTES)) {
    const access = NEEDS[name as keyof typeof ROUTES];
    const without = await call(at.world, route);
    if (access === "open") {
      expect([name, without.statusCode]).toEqual([name, 200]);
      continue;
    }
    expect([name, without.statusCode, codeOf(without, route)]).toEqual([name, 401, "UNAUTHENTICATED"]);
    expect(without.headers["www-authenticate"]).toBe('Bearer realm="larder"');
    for (const [scope, key] of keys) {
      const response = await call(at.world, route, key);
      const allowed = access === "authenticated" || scope === access;
      expect([name, scope, ![401, 403].includes(response.statusCode)]).toEqual([name, scope, allowed]);
      if (!allowed) expect(codeOf(response, route)).toBe("FORBIDDEN");
    }
  }
});

test("a credential is for its tenants: none named is its own, another is 403 whether there is such a tenant or not", async () => {
  await using at = await guarded();
  const acme = (await at.make(["read", "write"], ["acme"])).key;
  const both = (await at.make(["read"], ["acme", "default"])).key;
  const gone = (await at.make(["read"], ["closed"])).key;
  const read = async (key: string, tenant?: string) => {
    const headers = { authorization: `Bearer ${key}`, ...(tenant === undefined ? {} : { "x-larder-tenant": tenant }) };
    const response = await at.world.post("/get-online-features", ask, headers);
    return response.statusCode === 200 ? response.json().results[1].values[0] : feastError(response)["code"];
  };
  const pushed = await at.world.post(
    "/push",
    { push_source_name: "people", df: profileFrame([1], { plan: "acme's" }) },
    { authorization: `Bearer ${acme}` },
  );
  expect(pushed.statusCode, pushed.body).toBe(200);
  expect([await read(acme), await read(acme, "acme")]).toEqual(["acme's", "acme's"]);
  expect([await read(acme, "default"), await read(acme, "nobody")]).toEqual(["FORBIDDEN", "FORBIDDEN"]);
  expect([await read(both, "acme"), await read(both, "default")]).toEqual(["acme's", null]);
  expect([await read(both), await read(both, "Z%C3%BCrich%2C%20Ost")]).toEqual(["INVALID_REQUEST", "FORBIDDEN"]);
  expect(await read(gone)).toBe("UNKNOWN_TENANT");
});

test("a key that is not known, has expired or is a changed one of ours is 401, before a body is read", async () => {
  await using at = await guarded();
  const { key } = await at.make(["read"], ["default"], 60_000_000);
  const status = async (authorization: string) => {
    const response = await at.world.post("/get-online-features", "not even JSON", { authorization });
    return response.statusCode;
  };
  expect(await status(`Bearer ${key}`)).toBe(400);
  expect(await status(`bearer  ${key} `)).toBe(400);
  const last = key.at(-1) === "A" ? "B" : "A";
  const foreign = `larder_${"0".repeat(16)}_${key.slice(-43)}`;
  for (const wrong of [`${key.slice(0, -1)}${last}`, `${key}A`, key.slice(0, -1), foreign, "", "a.b.c", "__proto__"]) {
    expect([wrong, await status(`Bearer ${wrong}`)]).toEqual([wrong, 401]);
  }
  for (const header of [key, `Basic ${key}`, `Bearer ${key} ${key}`, `Bearer ${key}, Bearer ${key}`, "Bearer"]) {
    expect([header, await status(header)]).toEqual([header, 401]);
  }
  at.world.clock.advance(59_999_999);
  expect(await status(`Bearer ${key}`)).toBe(400);
  at.world.clock.advance(1);
  expect(await status(`Bearer ${key}`)).toBe(401);
});

test("a revoked key ends while the server runs; a broken or missing file is reported once and locks nobody out", async () => {
  const problems: LarderError[] = [];
  await using at = await guarded("", problems);
  const [first, second] = [await at.make(["read"]), await at.make(["read"])];
  const status = async (key: string) => (await call(at.world, ROUTES.openapi, key)).statusCode;
  await revokeApiKey(at.file, first.id);
  await until(10_000, "the key is refused", async () => (await status(first.key)) === 401);
  expect(await status(second.key)).toBe(200);

  await rename(at.file, `${at.file}.kept`);
  await until(10_000, "the missing file is reported", async () => problems.length === 1);
  expect(problems[0]?.code).toBe("CONFIG_UNREADABLE");
  expect(await status(second.key)).toBe(200);
  await writeFile(`${at.file}.broken`, "broken\n");
  await rename(`${at.file}.broken`, at.file);
  await until(10_000, "the broken file is reported", async () => problems.length === 2);
  expect(problems[1]?.code).toBe("CONFIG_INVALID");
  expect(await status(second.key)).toBe(200);
  await rm(at.file);
  await rename(`${at.file}.kept`, at.file);
  const third = await at.make(["read"]);
  expect([await status(second.key), await status(third.key)]).toEqual([200, 200]);
  expect(problems.filter(({ code }) => code === "CONFIG_INVALID")).toHaveLength(1);
});

test("metrics are open where the yaml says so, and nothing else is", async () => {
  await using at = await guarded(", metrics: open");
  expect((await call(at.world, ROUTES.metrics)).statusCode).toBe(200);
  expect((await call(at.world, ROUTES.openapi)).statusCode).toBe(401);
});

test("an app that should ask for credentials and cannot is not built", async () => {
  await using at = await guarded();
  await expect(buildApp(at.world)).rejects.toMatchObject({ code: "INTERNAL" });
});

test("the OpenAPI document says which scope each route needs", async () => {
  await using at = await guarded();
  const document = (await call(at.world, ROUTES.openapi, (await at.make(["read"])).key)).json();
  expect(document.components.securitySchemes.bearer).toMatchObject({ type: "http", scheme: "bearer" });
  for (const [name, route] of Object.entries<RouteContract>(ROUTES)) {
    const access = NEEDS[name as keyof typeof ROUTES];
    const { security } = document.paths[route.path][route.method.toLowerCase()];
    const wanted = access === "open" ? undefined : [{ bearer: access === "authenticated" ? [] : [access] }];
    expect([name, security]).toEqual([name, wanted]);
  }
});

test("no answer carries CORS headers: pages of other origins are not let in", async () => {
  await using at = await guarded();
  const { key } = await at.make(["read"]);
  const origin = { origin: "https://elsewhere.example", "access-control-request-method": "POST" };
  const preflight = await at.world.app.inject({ method: "OPTIONS", url: "/get-online-features", headers: origin });
  const read = await at.world.post("/get-online-features", ask, { ...origin, authorization: `Bearer ${key}` });
  expect([preflight.statusCode, read.statusCode]).toEqual([405, 200]);
  for (const response of [preflight, read])
    expect(Object.keys(response.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
});
