// Whether each gate fails when it should: real k6 against a server that does wrong on purpose.
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import type { Budget } from "@larder/schema";
import { LOOPBACK, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import type { Load } from "../../src/k6/load-plan.ts";
import { type K6Run, runK6 } from "../../src/run/run-k6.ts";
import { gatesOf } from "../../src/run/thresholds.ts";
import { judge, missedLines } from "../../src/run/verdict.ts";

/** Answers of /predict: how it goes wrong, if it does. */
interface Behaviour {
  /** Milliseconds before the answer. */
  readonly delay?: (tenant: string) => number;
  readonly status?: (turn: number) => number;
  readonly prediction?: number | null;
}

const TENANTS = ["default", "acme"];
const LOAD: Load = {
  ...{ name: "predict_1", route: "predict", rows: 1, budget: "predict", tenants: TENANTS },
  ...{ start: 0, lead: 0.25, seconds: 0.75, rate: 80 },
};
/** No machine is so slow that it misses the first, nor so fast that it keeps the second. */
const WIDE: Budget = { p99Ms: 20_000, aimMs: 10_000, requestsPerSecond: undefined };
const NARROW: Budget = { ...WIDE, p99Ms: 250, aimMs: 100 };
const SLOW_MS = 300;

test("a server that does well passes every gate", async () => {
  const { run, missed } = await tried({});
  expect(missed).toEqual([]);
  expect(run.exitCode).toBe(0);
  const sent = run.metrics["sent{load:predict_1}"]?.["count"] ?? 0;
  expect(sent).toBeGreaterThanOrEqual(79);
  const answers = run.timeline.seconds().reduce((sum, second) => sum + second.answers, 0);
  // Those of the lead are not judged.
  expect(answers).toBe(sent - 20);
});

test("a slow server misses the latency's gate", async () => {
  const { run, missed } = await tried({ delay: () => SLOW_MS }, NARROW);
  expect(run.exitCode).toBe(99);
  expect(missed[0]).toMatch(/^MISSED predict\.p99_ms: \d+ > 250$/);
});

test("one slow tenant misses its own gate", async () => {
  const { run, missed } = await tried({ delay: (tenant) => (tenant === "acme" ? SLOW_MS : 0) }, NARROW);
  expect(run.exitCode).toBe(99);
  expect(missed.some((line) => /^MISSED predict\.p99_ms \(tenant acme\): \d+ > 250$/.test(line))).toBe(true);
});

test("errors miss theirs, however fast they are", async () => {
  const { run, missed } = await tried({ status: (turn) => (turn % 10 === 0 ? 500 : 200) });
  expect(run.exitCode).toBe(99);
  expect(missed).toContainEqual(expect.stringMatching(/^MISSED predict_1: share of failed requests: 0\.1\d* > 0$/));
  expect(missed).toContainEqual(expect.stringMatching(/^MISSED predict_1: share of right answers: 0\.\d+ < 1$/));
});

test("answers 200 that are wrong miss theirs", async () => {
  const { run, missed } = await tried({ prediction: null });
  expect(run.exitCode).toBe(99);
  expect(missed).toEqual(["MISSED predict_1: share of right answers: 0 < 1"]);
});

test("work that is dropped misses two gates", async () => {
  const { run, missed } = await tried({ delay: () => SLOW_MS }, WIDE, 1);
  expect(run.exitCode).toBe(99);
  expect(missed).toContainEqual(expect.stringMatching(/^MISSED predict_1: requests sent: [\d.]+ < 79$/));
  expect(missed).toContainEqual(expect.stringMatching(/^MISSED requests dropped: [\d.]+ > 0$/));
});

test("an interrupted run ends k6", async () => {
  const interrupted = new AbortController();
  const running = tried({ delay: () => SLOW_MS }, WIDE, 20, interrupted.signal, () => interrupted.abort());
  await expect(running).rejects.toThrow(/aborted/);
});

/** Runs k6 against such a server and judges what came. */
async function tried(
  behaviour: Behaviour,
  budget: Budget = WIDE,
  virtualUsers = 40,
  signal: AbortSignal = new AbortController().signal,
  onStart: () => void = () => {},
): Promise<{ readonly run: K6Run; readonly missed: readonly string[] }> {
  await using folder = await temporaryFolder();
  await using server = await startServer(behaviour);
  const { gates } = gatesOf([LOAD], new Map([["predict", budget]]));
  const plan = { url: server.url, entities: 1000, spread: "zipf", seed: 1, loads: [LOAD], virtualUsers } as const;
  const run = await runK6(plan, gates, { folder: folder.path, watched: { server: process.pid }, signal, onStart });
  return { run, missed: missedLines(judge(gates, [run])) };
}

async function startServer({ delay = () => 0, status = () => 200, prediction = 0.5 }: Behaviour) {
  let turn = 0;
  const answer = async (response: ServerResponse, tenant: string) => {
    const code = status(turn++);
    const ms = delay(tenant);
    if (ms > 0) await setTimeout(ms);
    const predictions = [prediction === null ? null : { churn_probability: prediction }];
    response.writeHead(code, { "content-type": "application/json" });
    response.end(JSON.stringify({ predictions, metadata: { degraded: false } }));
  };
  const server = createServer((request, response) => {
    request.resume().on("end", () => void answer(response, String(request.headers["x-larder-tenant"])));
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
