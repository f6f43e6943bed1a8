import {
  BINARY_MEDIA_TYPE,
  INFERENCE_HEADER_LENGTH,
  type InferenceLive,
  type InferenceReady,
  type InferenceServer,
  JSON_MEDIA_TYPE,
  ROUTES,
} from "@larder/contract";
import { isLarderError, LarderError } from "@larder/schema";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { readInference } from "../inference/read-inference.ts";
import { writeInference } from "../inference/write-inference.ts";
import type { Tensor } from "../model/model-runner.ts";
import { addRoute } from "../plugins/add-route.ts";
import { atField } from "../plugins/at-field.ts";
import { modelCall } from "../plugins/model-call.ts";
import { tenantOf } from "../plugins/tenant.ts";
import { sendTiming } from "../plugins/timing.ts";
import type { ServingContext } from "../serving-context.ts";

const SERVER: InferenceServer = {
  name: "larder",
  version: "0.1.0",
  extensions: ["binary_tensor_data", "model_repository"],
};

/** The Open Inference Protocol: `GET /v2`, `/v2/health/live`, `/v2/health/ready`, and `POST /v2/models/{model}[/versions/{version}]/infer`. */
export async function registerInference(
  app: FastifyInstance,
  context: ServingContext,
  stopping: AbortSignal | undefined,
): Promise<void> {
  const live: InferenceLive = { live: true };
  addRoute(app, ROUTES.inferenceServer, () => SERVER);
  addRoute(app, ROUTES.inferenceLive, () => live);
  addRoute(app, ROUTES.inferenceReady, (_request, reply) => {
    const ready = stopping?.aborted !== true && context.models.ready;
    const answer: InferenceReady = { ready };
    return reply.code(ready ? 200 : 503).send(answer);
  });
  // Bodies are JSON, or JSON and then bytes, and clients of the protocol need not say which: here, and nowhere else, they come as they are.
  await app.register((scope, _options, registered) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser<Buffer>("*", { parseAs: "buffer" }, (request, body, done) => {
      const refusal = refuseMediaType(request.headers["content-type"]);
      done(refusal ?? null, body);
    });
    const handle = (request: FastifyRequest, reply: FastifyReply) => infer(context, request, reply);
    addRoute(scope, ROUTES.infer, handle);
    addRoute(scope, ROUTES.inferWithVersion, handle);
    registered();
  });
}

async function infer(context: ServingContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { definitions, metrics } = context;
  const tenant = tenantOf(context, request);
  const { model: name, version } = request.params as { readonly model: string; readonly version?: string };
  using lease = atField(version === undefined ? "model" : "version", () => context.models.acquire(name, version));
  const { runner, version: served } = lease.predictor.model;
  const header = request.headers[INFERENCE_HEADER_LENGTH];
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const inference = readInference(body, header === undefined ? undefined : String(header), runner, definitions.server);

  const { feeds, outputs, rows, id } = inference;
  const started = performance.now();
  const outputNames = outputs.map((output) => output.name);
  const answers = await runner.run(feeds, outputNames, modelCall(context, reply, false)).catch(asRefusal);
  const modelMs = performance.now() - started;
  metrics.observeModel(name, modelMs);
  metrics.countPredictions(name, tenant, rows, 0);

  const tensors = new Map(outputNames.map((output, index) => [output, answers[index] as Tensor]));
  const answer = writeInference({ name, version: served }, id, outputs, tensors);
  sendTiming(request, reply, metrics, { asked: started, model: modelMs });
  if (answer.headerLength !== undefined) reply.header(INFERENCE_HEADER_LENGTH, String(answer.headerLength));
  return reply.header("content-type", answer.contentType).send(answer.body);
}

/** Tensors that a model can't run on were its caller's choice: a place beyond a table's end, sizes that do not multiply. */
function asRefusal(error: unknown): never {
  if (!isLarderError(error, "MODEL_FAILED") || error.facts["input"] !== true) throw error;
  throw new LarderError("INVALID_REQUEST", {
    what: "The model cannot run on these tensors",
    remedy: "Compare their shapes and values with what the model was made for",
    facts: { field: "inputs" },
    cause: error,
  });
}

function refuseMediaType(given: string | undefined): LarderError | undefined {
  const [type = ""] = (given ?? "").split(";");
  if (["", JSON_MEDIA_TYPE, BINARY_MEDIA_TYPE].includes(type.trim().toLowerCase())) return undefined;
  return new LarderError("UNSUPPORTED_MEDIA_TYPE", {
    what: `The body's content-type is neither ${JSON_MEDIA_TYPE} nor ${BINARY_MEDIA_TYPE}`,
    remedy: "Send JSON, or JSON and then the bytes of tensors",
    facts: { field: "content-type" },
  });
}
