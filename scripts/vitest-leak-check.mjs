// Runs with every test file: a file that leaves a connection, server, timer, worker or child process open fails, whatever its tests say.
import { startLeakCheck } from "@larder/testkit";
import { afterAll } from "vitest";

const check = startLeakCheck();
afterAll(() => check.assertNothingLeft());
