import { type Clock, type Definitions, findTenant, findView, LarderError } from "@larder/schema";
import type { RedisExplanation } from "./stores/redis/explain/report.ts";

/** Entities of a tenant that are weighed where nothing else is said: an error of a few per cent for rows of very different sizes, none for equal ones. */
const SAMPLE = 1_000;
const MOST_SAMPLE = 100_000;
const MOST_ENTITIES = 1e12;

/** What to explain. */
export interface ExplainOptions {
  readonly clock: Clock;
  /** Only this tenant; default: all. */
  readonly tenant?: string | undefined;
  /** How many entities to forecast for; default: as many as there are. */
  readonly entities?: number | undefined;
  /** Names of views: {@link RedisExplanation.basis} is of entities that have rows of these only. Default: all, as they are. */
  readonly views?: readonly string[] | undefined;
  /** Most entities of one tenant that are weighed and read; default 1,000. */
  readonly sample?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Explains what a project's rows take in Redis: walks over its keys with SCAN (on one server of more than a million keys: looks at pages that begin at
 * random places) and weighs a sample of them, in small steps that leave three quarters of the time to others. Nothing is written.
 * @throws UNSUPPORTED where the online store is not Redis, or where views are asked for in Feast's layout; UNKNOWN_TENANT, UNKNOWN_VIEW, USAGE for a number out of range, STORE_MISCONFIGURED naming the right that
 * is missing, STORE_UNAVAILABLE, STORE_TIMEOUT, ABORTED
 */
export async function explainRedis(definitions: Definitions, options: ExplainOptions): Promise<RedisExplanation> {
  const { onlineStore: config } = definitions;
  const { clock, tenant, entities, views, sample = SAMPLE, signal } = options;
  for (const view of views ?? []) findView(definitions, view);
  if (tenant !== undefined) findTenant(definitions, tenant);
  refuseNumber("entities", entities ?? 1, MOST_ENTITIES);
  refuseNumber("sample", sample, MOST_SAMPLE);
  if (config.type !== "redis") {
    throw new LarderError("UNSUPPORTED", {
      what: `The online store is ${config.type}, not Redis`,
      remedy: "Set online_store.type to redis to have its memory explained",
      facts: { field: "online_store.type" },
    });
  }
  if (config.layout === "feast" && views !== undefined) {
    throw new LarderError("UNSUPPORTED", {
      what: "In Feast's layout each feature is a field, so that views are not weighed apart",
      remedy: "Leave the views out, or use layout: packed",
      facts: { field: "views" },
    });
  }
  const { explainStore } = await import("./stores/redis/explain/explain-store.ts");
  return explainStore(definitions, config, {
    ...{ clock, tenant, entities, sample, signal },
    views: views === undefined ? undefined : new Set(views),
  });
}

function refuseNumber(field: string, value: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return;
  throw new LarderError("USAGE", {
    what: `${field} is ${value}`,
    remedy: `Give a whole number from 1 to ${most}`,
    facts: { field },
  });
}
