import { seededRandom, startRedis, testRuns, testSeed } from "@larder/testkit";
import { afterAll, describe, test } from "vitest";
import { conformance, histories } from "../../conformance/index.ts";
import { redisHarness, type TestedRedis } from "./redis-harness.ts";

/** Registers every rule of the contract, and some random histories, for servers that end with the file. */
export function redisSuite(tested: TestedRedis, runs = 2): void {
  const harness = redisHarness(tested);
  afterAll(() => harness[Symbol.asyncDispose]());

  describe(harness.name, () => {
    conformance({ it: test, harness });
    histories({ it: test, harness, seed: testSeed(), runs: testRuns(runs), randomOf: seededRandom });
  });
}

/** One server, as `startRedis` starts it. */
export async function oneServer(
  name: string,
  parts: Partial<TestedRedis> = {},
  options: Parameters<typeof startRedis>[0] = {},
): Promise<TestedRedis> {
  const server = await startRedis(options);
  return {
    name,
    place: { connectionString: server.connectionString },
    gather: "script",
    kill: () => server.kill(),
    restart: () => server.restart(),
    stop: () => server.stop(),
    ...parts,
  };
}
