import { GetOnlineFeaturesRequest, JSON_MEDIA_TYPE, ROUTES } from "@larder/contract";
import type { OnStoreFailure } from "@larder/schema";
import type { FastifyInstance } from "fastify";
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
  const { definitions, store, reads, metrics, clock } = context;
  const check = compileBodyCheck(GetOnlineFeaturesRequest);
  const onFailure: OnStoreFailure =
    definitions.onFailure === "stale"
      ? { policy: "stale", maxAge: STALE_MAX_AGE, otherwise: "fail" }
      : { policy: "fail" };
  addRoute(app, ROUTES.getOnlineFeatures, async (request, reply) => {
    const tenant = tenantOf(context, request);
    const allowStale = queryFlag(request.query, "allow_stale");
    const age = queryFlag(request.query, "age");
    const body = check(request.body);
    const read = reads.get(body);
    const keys = encodeColumns(read.plan, body.entities, definitions.server.maxRows);

    const started = performance.now();
    const batch = await store.read(read.plan, keys, { tenant }, { allowStale, onFailure });
    const storeMs = performance.now() - started;
    metrics.observeLookup(tenant, storeMs);

    const counts = new StatusCounts(read.plan.views.length);
    const viewMetadata = body.include_feature_view_version_metadata ?? false;
    const agesAt = age ? clock.now() : undefined;
    const text = writeFeaturesAnswer(read, body.entities, batch, counts, { viewMetadata, agesAt });
    metrics.countStatuses(read.plan, tenant, counts);
    markDegraded(reply, batch, tenant, metrics);
    sendTiming(reply, { store: storeMs });
    return reply.header("content-type", JSON_MEDIA_TYPE).send(text);
  });
}
