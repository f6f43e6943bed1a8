import { type EntityRow, FlatPredictRequest, JSON_MEDIA_TYPE, PredictRequest, ROUTES } from "@larder/contract";
import { encodeEntityRows } from "@larder/store-core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { refuseTooMany } from "../features/entity-columns.ts";
import { StatusCounts } from "../metrics/status-counts.ts";
import { addRoute } from "../plugins/add-route.ts";
import { atField } from "../plugins/at-field.ts";
import { compileBodyCheck } from "../plugins/check-body.ts";
import { markDegraded } from "../plugins/degraded.ts";
import { modelCall } from "../plugins/model-call.ts";
import { tenantOf } from "../plugins/tenant.ts";
import { sendTiming } from "../plugins/timing.ts";
import type { Predictor } from "../predict/predictor.ts";
import { writeFlatPrediction, writePredictions } from "../predict/write-predictions.ts";
import type { ModelLease } from "../registry/served-version.ts";
import type { ServingContext } from "../serving-context.ts";

const checkRows = compileBodyCheck(PredictRequest);
const checkFlat = compileBodyCheck(FlatPredictRequest);

/** `POST /predict` (the file's first model), `POST /models/{model}/predict` and `POST /models/{model}/versions/{version}/predict`. */
export function registerPredict(app: FastifyInstance, context: ServingContext): void {
  const { models } = context;
  addRoute(app, ROUTES.predict, (request, reply) =>
    predict(context, models.acquire(models.first().name), request, reply),
  );
  const named = (request: FastifyRequest, reply: FastifyReply) => {
    const { model, version } = request.params as { readonly model: string; readonly version?: string };
    return predict(
      context,
      atField("model", () => models.acquire(model, version)),
      request,
      reply,
    );
  };
  addRoute(app, ROUTES.predictWithModel, named);
  addRoute(app, ROUTES.predictWithVersion, named);
}

async function predict(
  context: ServingContext,
  lease: ModelLease,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  // Not `using`, which cost a third of a microsecond to a whole one more per call on Node 24.
  try {
    return await predictWith(context, lease.predictor, request, reply);
  } finally {
    lease.release();
  }
}

async function predictWith(
  context: ServingContext,
  predictor: Predictor,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { definitions, store, metrics, clock, servedLog } = context;
  const tenant = tenantOf(context, request);
  const { rows, flat } = entityRows(request.body);
  refuseTooMany(rows.length, definitions.server.maxRows, "entity_rows");
  const { definition, plan } = predictor.model;
  const keys = encodeEntityRows(plan, rows);
  const inputs = predictor.readInputs(rows);

  const started = performance.now();
  const batch = await store.read(plan, keys, { tenant }, { onFailure: definition.onStoreFailure });
  const storeMs = performance.now() - started;
  metrics.observeLookup(tenant, storeMs);
  const servedAt = servedLog === undefined ? 0 : clock.now();

  const counts = new StatusCounts(plan.views.length);
  const fed = performance.now();
  const predictions = await predictor.predict(batch, inputs, counts, modelCall(context, reply, true));
  const decodeMs = performance.now() - fed - predictions.modelMs;
  metrics.countStatuses(plan, tenant, counts);
  metrics.observeModel(definition.name, predictions.modelMs);
  const refused = predictions.errors.length;
  metrics.countPredictions(definition.name, tenant, rows.length - refused, refused);

  const text = flat
    ? writeFlatPrediction(predictor, predictions, inputs)
    : writePredictions(predictor, predictions, inputs, batch.degraded);
  markDegraded(reply, batch, tenant, metrics);
  sendTiming(request, reply, metrics, {
    asked: started,
    store: storeMs,
    decode: decodeMs,
    model: predictions.modelMs,
  });
  const sent = reply.header("content-type", JSON_MEDIA_TYPE).send(text);
  servedLog?.record({ tenant, requestId: request.id, predictor, rows, keys, batch, inputs, predictions, servedAt });
  return sent;
}

function entityRows(body: unknown): { readonly rows: readonly EntityRow[]; readonly flat: boolean } {
  if (typeof body === "object" && body !== null && Object.hasOwn(body, "entity_rows")) {
    return { rows: checkRows(body).entity_rows, flat: false };
  }
  return { rows: [checkFlat(body)], flat: true };
}
