import { type EntityRow, FlatPredictRequest, JSON_MEDIA_TYPE, PredictRequest, ROUTES } from "@larder/contract";
import { findModel, LarderError } from "@larder/schema";
import { encodeEntityRows, type ReadPlan } from "@larder/store-core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { refuseTooMany } from "../features/entity-columns.ts";
import { StatusCounts } from "../metrics/status-counts.ts";
import { addRoute } from "../plugins/add-route.ts";
import { atField } from "../plugins/at-field.ts";
import { compileBodyCheck } from "../plugins/check-body.ts";
import { markDegraded } from "../plugins/degraded.ts";
import { tenantOf } from "../plugins/tenant.ts";
import { sendTiming } from "../plugins/timing.ts";
import type { Predictor } from "../predict/predictor.ts";
import { writeFlatPrediction, writePredictions } from "../predict/write-predictions.ts";
import type { ServingContext } from "../serving-context.ts";

const checkRows = compileBodyCheck(PredictRequest);
const checkFlat = compileBodyCheck(FlatPredictRequest);

/** `POST /predict` (the file's first model) and `POST /models/{model}/predict`. */
export function registerPredict(app: FastifyInstance, context: ServingContext): void {
  addRoute(app, ROUTES.predict, (request, reply) => predict(context, firstPredictor(context), request, reply));
  addRoute(app, ROUTES.predictWithModel, (request, reply) => {
    const { model } = request.params as { readonly model: string };
    return predict(context, predictorOf(context, model), request, reply);
  });
}

async function predict(
  context: ServingContext,
  predictor: Predictor,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { definitions, store, metrics } = context;
  const tenant = tenantOf(context, request);
  const { rows, flat } = entityRows(request.body);
  refuseTooMany(rows.length, definitions.server.maxRows, "entity_rows");
  const { definition, plan } = predictor.model;
  const keys = encodeEntityRows(plan, rows);
  refuseUnknown(plan, rows);

  const started = performance.now();
  const batch = await store.read(plan, keys, { tenant }, { onFailure: definition.onStoreFailure });
  const storeMs = performance.now() - started;
  metrics.observeLookup(tenant, storeMs);

  const counts = new StatusCounts(plan.views.length);
  const fed = performance.now();
  const predictions = await predictor.predict(batch, counts);
  const decodeMs = performance.now() - fed - predictions.modelMs;
  metrics.countStatuses(plan, tenant, counts);
  metrics.observeModel(definition.name, predictions.modelMs);
  const refused = predictions.errors.length;
  metrics.countPredictions(definition.name, tenant, rows.length - refused, refused);

  const text = flat
    ? writeFlatPrediction(predictor, predictions)
    : writePredictions(predictor, predictions, batch.degraded);
  markDegraded(reply, batch, tenant, metrics);
  sendTiming(request, reply, metrics, {
    asked: started,
    store: storeMs,
    decode: decodeMs,
    model: predictions.modelMs,
  });
  return reply.header("content-type", JSON_MEDIA_TYPE).send(text);
}

function entityRows(body: unknown): { readonly rows: readonly EntityRow[]; readonly flat: boolean } {
  if (typeof body === "object" && body !== null && Object.hasOwn(body, "entity_rows")) {
    return { rows: checkRows(body).entity_rows, flat: false };
  }
  return { rows: [checkFlat(body)], flat: true };
}

/** A name that is no join key is a mistake of the caller, such as a typed wrong key beside a right one; a dropped one would hide it. */
function refuseUnknown({ joinKeys }: ReadPlan, rows: readonly EntityRow[]): void {
  for (const [index, row] of rows.entries()) {
    const names = Object.keys(row);
    if (names.length === joinKeys.length) continue;
    const unknown = names.find((name) => !joinKeys.some((key) => key.name === name)) as string;
    throw new LarderError("INVALID_REQUEST", {
      what: `Entity row ${index} has "${unknown.slice(0, 100)}", which is no join key of this model`,
      remedy: `Give only ${joinKeys.map((key) => key.name).join(", ")}`,
      facts: { field: unknown.slice(0, 100), row: index },
    });
  }
}

function firstPredictor({ predictors }: ServingContext): Predictor {
  for (const predictor of predictors.values()) return predictor;
  throw new LarderError("UNKNOWN_MODEL", {
    what: "There is no model",
    remedy: "Declare one under models in feature_store.yaml",
    facts: { field: "model" },
  });
}

function predictorOf({ definitions, predictors }: ServingContext, name: string): Predictor {
  const { name: model } = atField("model", () => findModel(definitions, name));
  const predictor = predictors.get(model);
  if (predictor !== undefined) return predictor;
  throw new LarderError("MODEL_NOT_READY", {
    what: `Model "${model}" is not loaded`,
    remedy: "Repeat the request when /readyz answers 200",
    facts: { model },
  });
}
