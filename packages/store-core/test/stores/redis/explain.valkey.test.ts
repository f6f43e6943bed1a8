import { systemClock } from "@larder/schema";
import { startRedis } from "@larder/testkit";
import { expect, test } from "vitest";
import { explainRedis } from "../../../src/index.ts";
import { definitionsOf, fill, off, usedMemory } from "./explain-world.ts";
import { rawClient } from "./harness.ts";

test("on Valkey, too, the forecast at ten times the entities is within a twentieth of the truth", async () => {
  await using server = await startRedis({ program: "valkey", args: ["--latency-tracking", "no"] });
  await using redis = await rawClient(server);
  const definitions = definitionsOf(server.connectionString, { views: 1, features: 10, ttls: ["0s"] });
  await fill(definitions, 1_000);
  const now = (await usedMemory(redis)).all;
  const { forecast, groups } = await explainRedis(definitions, { clock: systemClock, entities: 10_000 });
  await fill(definitions, 10_000, 1_000);
  const then = (await usedMemory(redis)).all;
  expect(off(forecast?.usedBytes ?? 0, then)).toBeLessThan(0.05);
  expect(off((forecast?.usedBytes ?? 0) - now, then - now)).toBeLessThan(0.08);
  expect(groups).toMatchObject([{ entities: 1_000, listpackShare: 1 }]);
});
