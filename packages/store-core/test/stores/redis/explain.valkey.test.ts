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
  // What the server keeps of a first client, its scripts and the schema is no row's.
  await fill(definitions, 1);
  const empty = (await usedMemory(redis)).data;
  await fill(definitions, 1_600);
  const now = (await usedMemory(redis)).all;
  const { forecast, groups } = await explainRedis(definitions, { clock: systemClock, entities: 16_000 });
  // Just before the table of keys doubles: it has long moved out of the one before.
  await fill(definitions, 16_000, 1_600);
  const { all: then, data } = await usedMemory(redis);
  expect(off(forecast?.usedBytes ?? 0, then)).toBeLessThan(0.05);
  expect(off((forecast?.usedBytes ?? 0) - now, then - now)).toBeLessThan(0.08);
  const [after] = (await explainRedis(definitions, { clock: systemClock })).groups;
  expect(off(after?.bytes ?? 0, data - empty)).toBeLessThan(0.03);
  expect(groups).toMatchObject([{ entities: 1_600, listpackShare: 1 }]);
});
