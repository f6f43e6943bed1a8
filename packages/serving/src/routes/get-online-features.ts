import { type Columns, GetOnlineFeaturesRequest, JSON_MEDIA_TYPE, ROUTES } from "@larder/contract";
import type { OnStoreFailure } from "@larder/schema";
import type { EntityKeys } from "@larder/store-core";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { CompiledRead } from "../features/compiled-read.ts";
import { encodeColumns } from "../features/entity-columns.ts";
import { writeFeaturesAnswer } from "../features/write-answer.ts";
import { StatusCounts } from "../metrics/status-counts.ts";
import { addRoute } from "../plugins/add-route.ts";
import { compileBodyCheck } from "../plugins/check-body.ts";
import { markDegraded } from "../plugins/degraded.ts";
import { queryFlag } from "../plugins/query-flag.ts";
import { tenantOf } from "../plugins/tenant.ts";
import { sendTiming } from "../plugins/timing.ts";
import type { ServingContext } from "../serving-context.ts";

/** How old a last known value may be, in microseconds: an hour, as for models that do not say otherwise. */
const STALE_MAX_AGE = 3_600_000_000;

/** `POST /get-online-features`: Feast's read. */
export function registerGetOnlineFeatures(app: FastifyInstance, context: ServingContext): void {
  const { definitions, reads } = context;
  const check = compileBodyCheck(GetOnlineFeaturesRequest);
  const read = featureReader(context);
  addRoute(app, ROUTES.getOnlineFeatures, (request, reply) => {
    const tenant = tenantOf(context, request);
    const allowStale = queryFlag(request.query, "allow_stale");
    const age = queryFlag(request.query, "age");
    const body = check(request.body);
    const compiled = reads.get(body);
    const keys = encodeColumns(compiled.plan, body.entities, definitions.server.maxRows);
    const viewMetadata = body.include_feature_view_version_metadata ?? false;
    return read(reply, { compiled, keys, entities: body.entities, tenant, allowStale, age, viewMetadata });
  });
}

/** A checked request for features. */
export interface FeatureQuery {
  readonly compiled: CompiledRead;
  readonly keys: EntityKeys;
  readonly entities: Columns;
  readonly tenant: string;
  readonly allowStale: boolean;
  readonly age: boolean;
  readonly viewMetadata: boolean;
}

/** Reads, counts and answers, for every route that reads features. */
export function featureReader(
  context: ServingContext,
): (reply: FastifyReply, query: FeatureQuery) => Promise<FastifyReply> {
  const { definitions, store, metrics, clock } = context;
  const onFailure: OnStoreFailure =
    definitions.onFailure === "stale"
      ? { policy: "stale", maxAge: STALE_MAX_AGE, otherwise: "fail" }
      : { policy: "fail" };
  return async (reply, { compiled, keys, entities, tenant, allowStale, age, viewMetadata }) => {
    const started = performance.now();
    const options = { allowStale: allowStale || compiled.strict, onFailure };
    const batch = await store.read(compiled.plan, keys, { tenant }, options);
    const storeMs = performance.now() - started;
    metrics.observeLookup(tenant, storeMs);

    const counts = new StatusCounts(compiled.plan.views.length);
    const agesAt = age ? clock.now() : undefined;
    const text = writeFeaturesAnswer(compiled, entities, batch, counts, { viewMetadata, agesAt });
    metrics.countStatuses(compiled.plan, tenant, counts);
    markDegraded(reply, batch, tenant, metrics);
    sendTiming(reply.request, reply, metrics, { asked: started, store: storeMs });
    return reply.header("content-type", JSON_MEDIA_TYPE).send(text);
  };
}
