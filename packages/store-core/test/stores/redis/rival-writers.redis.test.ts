import { startRedis } from "@larder/testkit";
import { test } from "vitest";
import { expectOneEnd } from "./rival-writers.ts";

test("writers in several processes, in any order, with repeats, one of them killed, leave the greatest row of each key", async () => {
  await using server = await startRedis();
  await expectOneEnd(server);
});
