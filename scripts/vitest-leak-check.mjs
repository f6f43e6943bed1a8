// Runs with every test file: a file that leaves a connection, server, timer, worker or child process open fails, whatever its tests say.
import { afterAll } from "vitest";
import { startLeakCheck } from "../packages/testkit/src/leak-check.ts";

const check = startLeakCheck();
afterAll(() => check.assertNothingLeft());
