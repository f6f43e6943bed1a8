import { seededRandom, startKafka, startRedis, testSeed } from "@larder/testkit";
import { expect, test } from "vitest";
import { describeRun } from "./kill-anywhere/describe-run.ts";
import { KEEPING, killAnywhere } from "./kill-anywhere/run.ts";

test("syncs, broker and store killed anywhere: the store ends as the fold of the events, no row was ever read going backwards, and records were read twice", async () => {
  await using kafka = await startKafka();
  await using redis = await startRedis({ args: KEEPING });
  const random = seededRandom(testSeed());
  const client = random.pick(["platformatic", "kafkajs"] as const);
  const result = await killAnywhere({ kafka, redis, random, client, group: "killed", more: (rounds) => rounds < 1 });
  console.log(`${client}: ${describeRun(result)}`);
  expect(result.broken.slice(0, 10)).toEqual([]);
  expect(result.duplicates).toBeGreaterThan(result.sentAgain);
  expect(result.judged).toBeGreaterThan(1_000);
});
