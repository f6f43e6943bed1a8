import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import type { Load } from "../../src/k6/load-plan.ts";
import { outcomeOf } from "../../src/outcome.ts";
import { writeReport } from "../../src/report/write-report.ts";
import type { K6Run } from "../../src/run/run-k6.ts";
import { gatesOf } from "../../src/run/thresholds.ts";

const LOAD: Load = {
  ...{ name: "predict_1", route: "predict", rows: 1, budget: "predict", tenants: ["default"] },
  ...{ start: 0, seconds: 2, rate: 50 },
};
const GATES = gatesOf([LOAD], new Map([["predict", { p99Ms: 50, aimMs: 20, requestsPerSecond: undefined }]]));

test("a report is three files: the page loads nothing, says what was missed, and draws each chart", async () => {
  await using folder = await temporaryFolder();
  const what = { scenario: "predict <b>", store: "redis", loads: [LOAD], notes: ["1 ms added"] };
  const outcome = outcomeOf(what, GATES, [run(212.4)]);
  expect(outcome.missed).toEqual(["MISSED predict.p99_ms: 212 > 50"]);
  expect(outcome.warnings).toEqual(["predict.aim_ms is not reached: 212 > 20"]);
  const head = { name: "loadtest-predict", title: "Load test", machine: "one", command: "pnpm loadtest predict" };
  const path = writeReport({ ...head, outcomes: [outcome] }, join(folder.path, "reports"));
  expect(basename(path)).toBe("loadtest-predict.html");

  const html = readFileSync(path, "utf8");
  expect(html).toContain("MISSED predict.p99_ms: 212 &gt; 50");
  expect(html).toContain("predict &lt;b&gt; on redis");
  expect(html).not.toMatch(/<script|https?:|src=|href=/);
  expect(html).not.toMatch(/NaN|undefined|Infinity/);
  const titles = [...html.matchAll(/<figcaption><b>([^<]*)<\/b>/g)].map(([, title]) => title);
  expect(titles).toEqual([
    ...["Latency of predict_1, from when requests were due", "Answers", "Failed requests", "CPU", "Memory"],
    "Event loop of the server, p99 of how late it was",
  ]);
  const markdown = readFileSync(path.replace(/html$/, "md"), "utf8");
  expect(markdown).toContain("| predict.p99_ms | 212 | <= 50 | **no** | 212 |");
  const json = JSON.parse(readFileSync(path.replace(/html$/, "json"), "utf8"));
  expect(json.outcomes[0].runs[0].seconds).toHaveLength(2);
});

test("what all gates keep is said, too", () => {
  const outcome = outcomeOf({ scenario: "predict", store: "redis", loads: [LOAD], notes: [] }, GATES, [run(12)]);
  expect(outcome.missed).toEqual([]);
  expect(outcome.warnings).toEqual([]);
});

test("a generator that takes most of its core warns", () => {
  const busy = { ...run(12), usage: [usage(1, 0.95), usage(2, 0.9)] };
  const outcome = outcomeOf({ scenario: "predict", store: "redis", loads: [LOAD], notes: [] }, GATES, [busy]);
  expect(outcome.warnings).toEqual([expect.stringContaining("the generator itself took 0.925 of its core")]);
});

function run(p99: number): K6Run {
  const latency = { med: 5, "p(95)": 9, "p(99)": p99, max: p99 };
  return {
    exitCode: p99 > 50 ? 99 : 0,
    metrics: {
      "latency_ms{budget:predict}": latency,
      "latency_ms{load:predict_1}": latency,
      "sent{load:predict_1}": { count: 150 },
      "http_req_failed{load:predict_1}": { rate: 0 },
      "checks{load:predict_1}": { rate: 1 },
      http_req_connecting: { "p(99)": 0.2 },
    },
    timeline: {
      add: () => {},
      seconds: () => [second(0), second(1)],
    },
    usage: [usage(1, 0.1), usage(2, 0.2)],
  };
}

function second(at: number) {
  return { second: at, load: "predict_1", answers: 50, failures: 0, p50: 5, p95: 9, p99: 12 };
}

function usage(at: number, k6: number) {
  return { second: at, cpu: { server: 0.3, k6 }, memory: { server: 2 ** 27, k6: 2 ** 26 }, eventLoopMs: 1.5 };
}
