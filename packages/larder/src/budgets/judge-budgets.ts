import { type Clock, type CostBudget, type Definitions, type FeatureView, LarderError } from "@larder/schema";
import { explainRedis, type GroupReport, type RedisExplanation } from "@larder/store-core";
import { fragmentationOf } from "../capacity/capacity.ts";
import { monthlyCost } from "../capacity/monthly-cost.ts";
import { planCapacity } from "../capacity/plan-capacity.ts";
import { examplesFor, requestCost } from "../capacity/request-cost.ts";
import { startServing } from "../capacity/serving-process.ts";
import { installedBytes } from "./installed-bytes.ts";

/** Starts of which the median counts: one that something else disturbed does not decide. */
const STARTS = 3;

/** How long requests are measured, in seconds, for their part of the cost. */
const REQUEST_SECONDS = 2;

/** What to judge. */
export interface BudgetsRequest {
  readonly definitions: Definitions;
  readonly clock: Clock;
  /** Only this tenant's rows; undefined = all. */
  readonly tenant: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** One budget and what was measured. */
export interface JudgedBudget {
  /** As in the yaml, below `budgets`: `memory.bytes_per_entity`. */
  readonly budget: string;
  readonly measured: number;
  readonly limit: number;
  readonly met: boolean;
  /** What it is made up of. */
  readonly detail: string;
}

/**
 * Measures what the yaml states a budget for, beside latency: memory of an entity, the cost of a month, the start of a server, the bytes of what is
 * installed. Writes nothing. A budget that is met exactly is met.
 * @throws CONFIG_INVALID where the yaml states none of them; what the measurements throw
 */
export async function judgeBudgets(request: BudgetsRequest): Promise<readonly JudgedBudget[]> {
  const { bytesPerEntity, cost, readyMs, imageBytes } = request.definitions.resourceBudgets;
  const judged: JudgedBudget[] = [];
  if (bytesPerEntity !== undefined || cost !== undefined) {
    const explained = await explainRedis(request.definitions, request);
    if (bytesPerEntity !== undefined) judged.push(judgeMemory(request, explained, bytesPerEntity));
    if (cost !== undefined) judged.push(await judgeCost(request, explained, cost));
  }
  if (readyMs !== undefined) judged.push(await judgeStart(request, readyMs));
  if (imageBytes !== undefined) judged.push(await judgeImage(imageBytes));
  if (judged.length > 0) return judged;
  throw new LarderError("CONFIG_INVALID", {
    what: "The definitions state no budget of memory, cost, start or image",
    remedy: "State one, as in budgets: { memory: { bytes_per_entity: 500 } }",
    facts: { field: "budgets" },
  });
}

function judge(budget: string, measured: number, limit: number, detail: string): JudgedBudget {
  return { budget, measured, limit, met: measured <= limit, detail };
}

function judgeMemory(request: BudgetsRequest, { groups }: RedisExplanation, limit: number): JudgedBudget {
  const [largest] = groups.toSorted((a, b) => b.bytesPerEntity - a.bytesPerEntity);
  if (largest === undefined) throw nothingThere(request);
  const detail = `${largest.entities} entities of tenant ${largest.tenant}, ${largest.sampled} of them weighed`;
  return judge("memory.bytes_per_entity", Math.round(largest.bytesPerEntity), limit, detail);
}

/** For the mean entity of all tenants, asked for by lookups in the view with most rows and those about the same entity. */
async function judgeCost(request: BudgetsRequest, found: RedisExplanation, budget: CostBudget): Promise<JudgedBudget> {
  const { requestsPerSecond, nodeMemory, monthlyUsd, entities } = budget;
  const { basis, groups } = found;
  const [most] = groups;
  const views = most === undefined ? [] : viewsOf(request.definitions, most);
  const examples = basis === undefined ? [] : examplesFor(views, basis);
  if (basis === undefined || most === undefined || examples.length === 0) throw nothingThere(request);
  const { tenant } = most;
  const work = { ...request, tenant, views, examples, rows: 1, seconds: REQUEST_SECONDS };
  const measured = { ...basis, ...(await requestCost(work)), fragmentation: fragmentationOf(found) };
  const wanted = { entities: entities ?? Math.round(basis.entities), requestsPerSecond, nodeMemory };
  const plan = planCapacity(measured, wanted);
  const { redis, servers, total } = monthlyCost(plan, nodeMemory, budget);
  const detail = `${plan.primaries + plan.replicas} Redis nodes ${redis.toFixed(0)}, ${plan.servers} servers ${servers.toFixed(0)}`;
  return judge("cost.monthly_usd", Math.ceil(total), monthlyUsd, detail);
}

function viewsOf({ views }: Definitions, { views: reports }: GroupReport): readonly FeatureView[] {
  const [name] = reports.toSorted((a, b) => b.rows - a.rows).map(({ view }) => view);
  const keysOf = (view: FeatureView | undefined) => view?.joinKeys.map((key) => key.name).join("\n");
  const first = views.get(name ?? "");
  return [...views.values()].filter((view) => first !== undefined && keysOf(view) === keysOf(first));
}

async function judgeStart({ definitions, ...request }: BudgetsRequest, limit: number): Promise<JudgedBudget> {
  const times: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    await using server = await startServing({ file: definitions.file, ...request });
    times.push(server.readyMs);
  }
  const [fastest = 0, median = 0, slowest = 0] = times.toSorted((a, b) => a - b);
  const detail = `median of ${STARTS} starts, ${fastest.toFixed(0)} to ${slowest.toFixed(0)}`;
  return judge("start.ready_ms", Math.round(median), limit, detail);
}

async function judgeImage(limit: number): Promise<JudgedBudget> {
  const { bytes, packages } = await installedBytes();
  const largest = packages.slice(0, 3).map(({ name, bytes: own }) => `${name} ${(own / 1e6).toFixed(1)} MB`);
  return judge("image.max_bytes", bytes, limit, `${packages.length} packages, ${largest.join(", ")}`);
}

function nothingThere({ definitions }: BudgetsRequest): LarderError {
  return new LarderError("SOURCE_NOT_FOUND", {
    what: `There are no rows of ${definitions.project} in the online store to be weighed`,
    remedy: "Materialize or push rows like those of production first",
  });
}
