import { test } from "vitest";
import { conformance } from "../../conformance/index.ts";
import { memoryHarness } from "./memory-harness.ts";

conformance({ it: test, harness: memoryHarness() });
