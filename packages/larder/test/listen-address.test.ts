import { expect, test } from "vitest";
import { listenAddress, listenError } from "../src/listen-address.ts";

const LIMITS = {
  tls: undefined,
  maxInFlight: 1,
  bodyLimitBytes: 1,
  maxRows: 1,
  jsonDepth: 1,
  headerLimitBytes: 1,
  headersTimeoutMs: 1,
  requestTimeoutMs: 1,
  drainDelayMs: 0,
  accessLogSample: undefined,
  servedLog: undefined,
  historical: {
    maxJoins: 1,
    maxRows: 1,
    bodyLimitBytes: 1,
    deadlineMs: 1,
    memoryLimitBytes: 1,
    spillLimitBytes: 1,
  },
  modelThreads: 1,
  modelQueue: 1,
  strictFeast: false,
};
const KEYS = { keys: "keys.jsonl", jwt: undefined, metrics: "admin" } as const;
const server = (auth: typeof KEYS | "none" | undefined) => ({
  server: { host: "127.0.0.1", port: 6566, auth, ...LIMITS },
});

test("the command line wins over the yaml", () => {
  expect(listenAddress(server(undefined), {})).toEqual({ host: "127.0.0.1", port: 6566 });
  expect(listenAddress(server(undefined), { host: "localhost", port: "0" })).toEqual({ host: "localhost", port: 0 });
  expect(listenAddress(server(undefined), { host: "::1" })).toEqual({ host: "::1", port: 6566 });
});

test.each(["0.0.0.0", "::", "192.168.1.5", "127.0.0.1.example.com", "my-host"])(
  "%s is off loopback and needs auth, or auth: none",
  (host) => {
    expect(() => listenAddress(server(undefined), { host })).toThrow(
      expect.objectContaining({ code: "UNSAFE_LISTEN" }),
    );
    expect(listenAddress(server("none"), { host })).toEqual({ host, port: 6566 });
    expect(listenAddress(server(KEYS), { host })).toEqual({ host, port: 6566 });
  },
);

test.each(["65536", "-1", "http", "1.5", ""])("port %j is refused", (port) => {
  expect(() => listenAddress(server(undefined), { port })).toThrow(expect.objectContaining({ code: "USAGE" }));
});

test("a port in use is told apart from an address that is not ours", () => {
  const address = { host: "127.0.0.1", port: 80 };
  const failed = (code: string) => listenError(Object.assign(new Error(code), { code }), address);
  expect(failed("EADDRINUSE").code).toBe("PORT_IN_USE");
  expect(failed("EACCES")).toMatchObject({ code: "USAGE", what: expect.stringContaining("EACCES") });
});
