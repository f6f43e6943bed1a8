// The script that k6 runs for every scenario: what is sent, when and to whom stands in the plan, a JSON file named by LARDER_PLAN.
// @boundaries-ignore k6 has its modules built in; npm has their types alone
import { check } from "k6";
// @boundaries-ignore k6 has its modules built in; npm has their types alone
import exec from "k6/execution";
// @boundaries-ignore k6 has its modules built in; npm has their types alone
import http, { type RefinedResponse } from "k6/http";
// @boundaries-ignore k6 has its modules built in; npm has their types alone
import { Counter, Trend } from "k6/metrics";
import type { ConstantArrivalRateScenario, Options } from "k6/options";
import { dueAfterMs, leadOf } from "../due-time.ts";
import { createEntityChoice } from "../entity-choice.ts";
import { BEGUN, type Load, type LoadPlan, METRICS } from "../load-plan.ts";
import { bodyOf, isRight, PATHS } from "../requests.ts";

/** Of k6; its types lack it. */
declare const console: { log(line: string): void };

const file = __ENV["LARDER_PLAN"];
if (file === undefined) throw new Error("LARDER_PLAN names no plan. Start scenarios by: pnpm loadtest");
const plan = JSON.parse(open(file)) as LoadPlan;
const loads = new Map(plan.loads.map((load) => [load.name, load]));
const choice = createEntityChoice(plan.entities, plan.spread, plan.seed);

const latency = new Trend(METRICS.latency, true);
const late = new Trend(METRICS.late, true);
const sent = new Counter(METRICS.sent);

const FINE = http.expectedStatuses(200);
const FINE_OR_AWAY = http.expectedStatuses(200, 503);
/** An answer that takes longer counts as a failure; the server's own limit is shorter. */
const PATIENCE = "40s";

export const options: Options = {
  scenarios: Object.fromEntries(plan.loads.map((load) => [load.name, scenarioOf(load)])),
  thresholds: Object.fromEntries(Object.entries(plan.thresholds).map(([metric, each]) => [metric, [...each]])),
  summaryTrendStats: ["avg", "min", "med", "max", "p(95)", "p(99)", "count"],
  systemTags: ["scenario", "status", "error_code"],
  discardResponseBodies: false,
  noVUConnectionReuse: false,
};

/** Begins when all virtual users are ready; who started k6 waits for the line. */
export function setup(): void {
  console.log(BEGUN);
}

export default function send(): void {
  const load = loads.get(exec.scenario.name);
  if (load === undefined) throw new Error(`The plan has no load "${exec.scenario.name}"`);
  const turn = exec.scenario.iterationInTest;
  const tenant = load.tenants[turn % load.tenants.length] ?? "default";
  const tags = { load: load.name, route: load.route, tenant, budget: load.budget ?? "none" };
  const dueMs = dueAfterMs(load, turn);
  const ids = choice.ids(turn, load.rows);
  // The clock has whole milliseconds, so that a request in time may seem up to one late.
  const lateBy = Math.max(0, Date.now() - exec.scenario.startTime - dueMs);
  const body = bodyOf(load.route, ids, turn);
  const answer = http.request(body === null ? "GET" : "POST", plan.url + PATHS[load.route], body, {
    headers: { "content-type": "application/json", "x-larder-tenant": tenant },
    tags,
    timeout: PATIENCE,
    responseCallback: load.mayFail === true ? FINE_OR_AWAY : FINE,
  });
  sent.add(1, tags);
  check(answer, { "answered right": (given) => isFine(given, load) }, tags);
  if (dueMs < leadOf(load) * 1000) return;
  late.add(lateBy, tags);
  // `duration` lacks what a connection took to be made, for which a caller waits, too.
  const { duration, blocked, connecting } = answer.timings;
  latency.add(lateBy + duration + Math.max(blocked, connecting), tags);
}

export function handleSummary(data: object): Record<string, string> {
  return { [plan.summary]: JSON.stringify(data) };
}

function isFine({ status, body }: RefinedResponse<"text" | undefined>, load: Load): boolean {
  return isRight({ status, body: typeof body === "string" ? body : "" }, load);
}

/**
 * k6's words for a load. Its constant rate says when each request is due, counted from the start; its ramps begin at a moment that it does not tell. All
 * virtual users are made before the start: one that is made during it steals time from the others.
 */
function scenarioOf(load: Load): ConstantArrivalRateScenario {
  return {
    ...{ executor: "constant-arrival-rate", rate: load.rate, timeUnit: "1s", startTime: `${load.start}s` },
    ...{ duration: `${leadOf(load) + load.seconds}s`, preAllocatedVUs: plan.virtualUsers, gracefulStop: PATIENCE },
  };
}
