import { type RedisServer, startRedis } from "@larder/testkit";
import { afterAll, beforeAll, describe } from "vitest";
import { appliedDefinitionsRules } from "./applied-definitions-rules.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

describe("redis", () =>
  appliedDefinitionsRules(() => `{ type: redis, layout: packed, connection_string: "${server.connectionString}" }`));
