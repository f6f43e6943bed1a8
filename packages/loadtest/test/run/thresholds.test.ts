import { expect, test } from "vitest";
import type { Load } from "../../src/k6/load-plan.ts";
import { gatesOf, thresholdsOf } from "../../src/run/thresholds.ts";

const PREDICT: Load = {
  ...{ name: "predict_1", route: "predict", rows: 1, budget: "predict", tenants: ["default", "acme"] },
  ...{ start: 0, seconds: 10, rate: 50 },
};
const BUDGET = { p99Ms: 50, aimMs: 20, requestsPerSecond: undefined };

test("thresholds have the numbers of the budgets, for all and for each tenant", () => {
  const { gates, warnings, aims } = gatesOf([PREDICT], new Map([["predict", BUDGET]]));
  expect(thresholdsOf(gates, [PREDICT])).toEqual({
    "latency_ms{budget:predict}": ["p(99)<=50"],
    "latency_ms{budget:predict,tenant:default}": ["p(99)<=50"],
    "latency_ms{budget:predict,tenant:acme}": ["p(99)<=50"],
    "latency_ms{load:predict_1}": ["p(99)>=0"],
    "sent{load:predict_1}": ["count>=544"],
    "http_req_failed{load:predict_1}": ["rate<=0"],
    "checks{load:predict_1}": ["rate>=1"],
    dropped_iterations: ["count<=0"],
    http_req_connecting: ["p(99)<=50"],
  });
  expect(warnings).toEqual([]);
  expect(aims).toEqual(new Map([["predict", 20]]));
});

test("several loads of a budget have a gate each", () => {
  const loads = [PREDICT, { ...PREDICT, name: "predict_100", rows: 100 }];
  const { gates } = gatesOf(loads, new Map([["predict", BUDGET]]));
  expect(gates.map(({ name }) => name)).toContain("predict.p99_ms (predict_100)");
});

test("a missing aim warns", () => {
  const { warnings } = gatesOf([PREDICT], new Map([["predict", { ...BUDGET, aimMs: undefined }]]));
  expect(warnings).toEqual(["budgets.predict has no aim_ms: nothing warns before the gate does"]);
});

test("a missing p99_ms fails, and so does a missing budget", () => {
  const without = new Map([["predict", { ...BUDGET, p99Ms: undefined }]]);
  for (const budgets of [without, new Map<string, typeof BUDGET>()]) {
    expect(() => gatesOf([PREDICT], budgets)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringContaining("budgets.predict has no p99_ms"),
      }),
    );
  }
});

test("what no budget promises has no latency gate, and still must be answered", () => {
  const { budget: _, ...push } = PREDICT;
  const { gates } = gatesOf([push], new Map());
  expect(gates.map(({ metric }) => metric)).toEqual([
    ...["sent{load:predict_1}", "http_req_failed{load:predict_1}", "checks{load:predict_1}", "dropped_iterations"],
  ]);
});
