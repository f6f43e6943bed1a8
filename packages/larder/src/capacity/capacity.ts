import { type Clock, type Definitions, type FeatureView, findView, LarderError } from "@larder/schema";
import { explainRedis, type RedisExplanation } from "@larder/store-core";
import type { RequestCost } from "./measure-requests.ts";
import { type CapacityPlan, type Measured, planCapacity } from "./plan-capacity.ts";
import { examplesFor, requestCost } from "./request-cost.ts";

/** Taken where a server is too small for its own ratio: what jemalloc usually comes to. As in the forecast of `larder redis explain`. */
const USUAL_FRAGMENTATION = 1.1;
const MOST_FRAGMENTATION = 2;

/** What is asked. */
export interface CapacityRequest {
  readonly definitions: Definitions;
  readonly clock: Clock;
  /** Whose rows are measured. */
  readonly tenant: string;
  /** Names of views; undefined = all. */
  readonly views: readonly string[] | undefined;
  /** Entities of each tenant; undefined = as many as there are. */
  readonly entities: number | undefined;
  readonly tenants: number;
  readonly requestsPerSecond: number;
  /** Rows of one request. */
  readonly rows: number;
  readonly nodeMemory: number;
  /** How long requests are measured. */
  readonly seconds: number;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** The answer, with what it was worked out from. */
export interface Capacity {
  readonly entities: number;
  readonly requestsPerSecond: number;
  readonly nodeMemory: number;
  readonly views: readonly string[];
  readonly measured: Measured & RequestCost & { readonly entities: number };
  readonly plan: CapacityPlan;
}

/**
 * Measures the rows that are in the online store (a sample, by `explainRedis`) and, by asking a `larder serve` that it starts for a few seconds, the
 * CPU time of a request, and works out what so many entities and requests take. Writes nothing.
 * @throws UNSUPPORTED for another store than Redis; USAGE for views of different entities; SOURCE_NOT_FOUND where no row is there to be measured;
 * what explainRedis and requestCost throw
 */
export async function forecastCapacity(request: CapacityRequest): Promise<Capacity> {
  const { definitions, clock, tenant, signal, requestsPerSecond, nodeMemory } = request;
  const views = viewsOf(definitions, request.views);
  const names = request.views === undefined ? undefined : views.map(({ name }) => name);
  const explained = await explainRedis(definitions, { clock, tenant, views: names, signal });
  const basis = explained.basis;
  const examples = basis === undefined ? [] : examplesFor(views, basis);
  if (basis === undefined || examples.length === 0) throw nothingThere(definitions, tenant);
  const cost = await requestCost({ ...request, views, examples });
  const measured = { ...basis, ...cost, fragmentation: fragmentationOf(explained) };
  const entities = (request.entities ?? basis.entities) * request.tenants;
  return {
    entities,
    requestsPerSecond,
    nodeMemory,
    views: views.map(({ name }) => name),
    measured,
    plan: planCapacity(measured, { entities, requestsPerSecond, nodeMemory }),
  };
}

function viewsOf(definitions: Definitions, names: readonly string[] | undefined): readonly FeatureView[] {
  const views =
    names === undefined ? [...definitions.views.values()] : names.map((name) => findView(definitions, name));
  const keysOf = ({ joinKeys }: FeatureView) => joinKeys.map(({ name }) => name).join(", ");
  const different = views.find((view) => keysOf(view) !== keysOf(views[0] as FeatureView));
  if (different === undefined && views.length > 0) return views;
  throw new LarderError("USAGE", {
    what:
      different === undefined
        ? "There is no view"
        : `${different.name} is about ${keysOf(different)}, ${views[0]?.name} about ${keysOf(views[0] as FeatureView)}, so that one number of entities says nothing`,
    remedy: "Name views of one entity by --views, and ask for the others apart",
    facts: { field: "views" },
  });
}

function nothingThere({ project }: Definitions, tenant: string): LarderError {
  return new LarderError("SOURCE_NOT_FOUND", {
    what: `There are no rows of tenant ${tenant} of ${project} in the online store to be measured`,
    remedy: "Materialize or push some thousand rows like those to come, into a Redis of your own if need be",
    facts: { tenant },
  });
}

/** Resident memory over used, as a forecast takes it. */
export function fragmentationOf({ servers }: RedisExplanation): number {
  const measured = servers.flatMap(({ fragmentation }) => fragmentation ?? []);
  return measured.length === 0 ? USUAL_FRAGMENTATION : Math.min(MOST_FRAGMENTATION, Math.max(1, ...measured));
}
