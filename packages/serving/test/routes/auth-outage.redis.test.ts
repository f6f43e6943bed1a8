import { join } from "node:path";
import { systemClock } from "@larder/schema";
import { startRedis, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { createApiKey } from "../../src/index.ts";
import { FEATURES, feastError, openWorld } from "../support/world.ts";

test("without Redis credentials are still told apart: good ones meet the outage, others are refused", async () => {
  await using redis = await startRedis();
  await using folder = await temporaryFolder();
  const file = join(folder.path, "keys.jsonl");
  const make = async (scope: "read" | "write", tenant = "default") =>
    (await createApiKey(file, { tenants: [tenant], scopes: [scope], expiresIn: undefined }, systemClock)).key;
  const [good, writer, acme] = [await make("read"), await make("write"), await make("read", "acme")];
  const store = `{ type: redis, connection_string: "${redis.connectionString}", layout: packed }`;
  const auth = `server: { auth: { keys: "${file}" } }\n`;
  await using world = await openWorld(`${FEATURES.replace("{ type: memory }", store)}${auth}`);
  const read = async (key: string) => {
    const body = { features: ["profile:plan"], entities: { customer_id: [1] } };
    const headers = { authorization: `Bearer ${key}`, "x-larder-tenant": "default" };
    const response = await world.post("/get-online-features", body, headers);
    return [response.statusCode, response.statusCode === 200 ? "" : feastError(response)["code"]];
  };
  expect(await read(good)).toEqual([200, ""]);
  await redis.kill();
  expect(await read(good)).toEqual([503, expect.stringMatching(/^STORE_/)]);
  expect(await read(writer)).toEqual([403, "FORBIDDEN"]);
  expect(await read(acme)).toEqual([403, "FORBIDDEN"]);
  expect(await read(`${good}x`)).toEqual([401, "UNAUTHENTICATED"]);
});
