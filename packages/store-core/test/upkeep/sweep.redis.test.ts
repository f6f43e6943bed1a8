import { afterAll, describe } from "vitest";
import { redisHarness } from "../conformance/redis-harness.ts";
import { oneServer } from "../conformance/redis-suite.ts";
import { sweepRules } from "./sweep-rules.ts";

const single = redisHarness(await oneServer("redis"));
afterAll(() => single[Symbol.asyncDispose]());

describe("redis", () => sweepRules(single));
