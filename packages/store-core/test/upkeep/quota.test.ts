import { afterAll, describe } from "vitest";
import { memoryHarness } from "../conformance/memory-harness.ts";
import { sqliteHarness } from "../conformance/sqlite-harness.ts";
import { quotaRules } from "./quota-rules.ts";

const sqlite = sqliteHarness();
afterAll(() => sqlite[Symbol.asyncDispose]());

describe("memory", () => quotaRules(memoryHarness()));
describe("sqlite", () => quotaRules(sqlite));
