import { afterAll, describe } from "vitest";
import { memoryHarness } from "../conformance/memory-harness.ts";
import { sqliteHarness } from "../conformance/sqlite-harness.ts";
import { sweepRules } from "./sweep-rules.ts";

const sqlite = sqliteHarness();
afterAll(() => sqlite[Symbol.asyncDispose]());

describe("memory", () => sweepRules(memoryHarness()));
describe("sqlite", () => sweepRules(sqlite));
