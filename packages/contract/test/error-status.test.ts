import { ERROR_CODES } from "@larder/schema";
import { expect, test } from "vitest";
import { ERROR_STATUS } from "../src/index.ts";

test("every error code has exactly one HTTP status, and the table has no others", () => {
  expect(Object.keys(ERROR_STATUS).sort()).toEqual([...ERROR_CODES].sort());
  for (const code of ERROR_CODES) expect(ERROR_STATUS[code]).toBeGreaterThanOrEqual(400);
});

test("what a client got wrong is never 5xx; a quota is no fault of the request, and 507", () => {
  expect(ERROR_STATUS.QUOTA_EXCEEDED).toBe(507);
  const ours =
    /^(STORE(?!_CONFLICT)|MODEL|SOURCE|OFFLINE|OUTPUT|CONFIG_|CODEGEN_|DEFINITIONS_|MISSING_DEPENDENCY|UNSAFE_LISTEN|PORT_IN_USE|REQUEST_FAILED|AUTH_UNAVAILABLE|QUOTA_EXCEEDED|STREAM_|SERVER_UNAVAILABLE|DEADLINE_EXCEEDED|WORKER_CRASHED|MACHINE_MISMATCH|INTERNAL)/;
  for (const code of ERROR_CODES) expect([code, ERROR_STATUS[code] < 500]).toEqual([code, !ours.test(code)]);
});

test("unknown names are 404, except a push source, which is 422 as in Feast", () => {
  for (const code of ERROR_CODES.filter((each) => each.startsWith("UNKNOWN_"))) {
    expect([code, ERROR_STATUS[code]]).toEqual([code, code === "UNKNOWN_PUSH_SOURCE" ? 422 : 404]);
  }
});

test("bad values are 422, unparseable bodies 400, a failing store 503, a second run where one is under way 409", () => {
  expect([ERROR_STATUS.INVALID_REQUEST, ERROR_STATUS.INVALID_ROWS, ERROR_STATUS.FEATURE_NAME_COLLISION]).toEqual([
    422, 422, 422,
  ]);
  expect(ERROR_STATUS.MALFORMED_REQUEST).toBe(400);
  for (const code of ERROR_CODES.filter((each) => each.startsWith("STORE_")))
    expect([code, ERROR_STATUS[code]]).toEqual([code, code === "STORE_CONFLICT" ? 409 : 503]);
});
