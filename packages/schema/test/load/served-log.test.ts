import { parseDefinitions } from "@larder/schema";
import { expect, test } from "vitest";

const load = (log: string) =>
  parseDefinitions(`project: p\nserver: { served_log: ${log} }\n`, { file: "/srv/p/feature_store.yaml" }).server
    .servedLog;

test("a log of served vectors has its defaults, in a folder of the file's", () => {
  expect(load("{}")).toEqual({
    path: "/srv/p/served-log",
    sample: 0.01,
    rotateAfterMs: 600_000,
    rotateBytes: 16 * 1024 ** 2,
    maxPendingBytes: 64 * 1024 ** 2,
    keepMs: 30 * 86_400_000,
    maxBytes: 1e9,
  });
});

test.each([
  ["{ sample: 0 }", "server.served_log.sample"],
  ["{ sample: 1.5 }", "server.served_log.sample"],
  ["{ max_pending: 1MB }", "server.served_log.max_pending"],
  ["{ rotate_size: 1GB }", "server.served_log.rotate_size"],
])("%s is refused at %s", (log, path) => {
  expect(() => load(log)).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining(path) }),
  );
});
