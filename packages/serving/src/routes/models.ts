import {
  type ListedModel,
  type ListedVersion,
  ModelLoadRequest,
  type ModelMetadataAnswer,
  type ModelNamesAnswer,
  type ModelReadyAnswer,
  type ModelsAnswer,
  ModelUnloadRequest,
  type RepositoryEntry,
  RepositoryIndexRequest,
  ROUTES,
  type TensorMetadata,
} from "@larder/contract";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { datatypeOf } from "../inference/datatype.ts";
import type { TensorSpec } from "../model/model-runner.ts";
import { addRoute } from "../plugins/add-route.ts";
import { atField } from "../plugins/at-field.ts";
import { compileBodyCheck } from "../plugins/check-body.ts";
import type { ModelState, VersionState } from "../registry/model-state.ts";
import type { ModelLease } from "../registry/served-version.ts";
import type { ServingContext } from "../serving-context.ts";

const checkIndex = compileBodyCheck(RepositoryIndexRequest);
const checkLoad = compileBodyCheck(ModelLoadRequest);
const checkUnload = compileBodyCheck(ModelUnloadRequest);

/** What Triton calls ONNX models. */
const PLATFORM = "onnxruntime_onnx";

/** The registry of models over HTTP: Larder's list, and the model and repository routes of the Open Inference Protocol. */
export function registerModels(app: FastifyInstance, { models, metrics }: ServingContext): void {
  metrics.watchModels(() => models.states());
  addRoute(app, ROUTES.listModels, (): ModelsAnswer => ({ models: models.states().map(listed) }));
  addRoute(app, ROUTES.modelNames, (): ModelNamesAnswer => {
    const states = models.states();
    return { models: states.map(({ definition }) => definition.name), states: states.flatMap(entriesOf) };
  });
  const borrow = (request: FastifyRequest): ModelLease => {
    const { model, version } = paramsOf(request);
    return atField(version === undefined ? "model" : "version", () => models.acquire(model, version));
  };
  const metadata = (request: FastifyRequest): ModelMetadataAnswer => {
    using lease = borrow(request);
    return describe(lease, models.state(paramsOf(request).model));
  };
  addRoute(app, ROUTES.modelMetadata, metadata);
  addRoute(app, ROUTES.versionMetadata, metadata);
  const ready = (request: FastifyRequest): ModelReadyAnswer => {
    using lease = borrow(request);
    return { name: lease.predictor.model.definition.name, ready: true };
  };
  addRoute(app, ROUTES.modelReady, ready);
  addRoute(app, ROUTES.versionReady, ready);
  addRoute(app, ROUTES.repositoryIndex, (request): readonly RepositoryEntry[] => {
    const { ready: onlyReady = false } = request.body === undefined ? {} : checkIndex(request.body);
    const entries = models.states().flatMap(entriesOf);
    return onlyReady ? entries.filter(({ state }) => state === "READY") : entries;
  });
  addRoute(app, ROUTES.loadModel, async (request): Promise<ListedModel> => {
    if (request.body !== undefined) checkLoad(request.body);
    const { model } = paramsOf(request);
    await models.load(model);
    return listed(models.state(model));
  });
  addRoute(app, ROUTES.unloadModel, async (request): Promise<ListedModel> => {
    if (request.body !== undefined) checkUnload(request.body);
    const { model } = paramsOf(request);
    await models.unload(model);
    return listed(models.state(model));
  });
}

function paramsOf(request: FastifyRequest): { readonly model: string; readonly version?: string } {
  return request.params as { readonly model: string; readonly version?: string };
}

function listed({ definition, current, unloaded, problem, versions }: ModelState): ListedModel {
  return {
    name: definition.name,
    feature_service: definition.featureService.name,
    predictions: definition.predictions.map(({ name }) => name),
    current: current ?? null,
    unloaded,
    ...(problem === undefined ? {} : { reason: problem.code }),
    versions: versions.map(listedVersion),
  };
}

function listedVersion({ version, model, problem }: VersionState): ListedVersion {
  const record = model?.record;
  return {
    version,
    state: model === undefined ? "UNAVAILABLE" : "READY",
    checksum: model?.checksum ?? null,
    ...(problem === undefined ? {} : { reason: problem.code }),
    ...(record === undefined
      ? {}
      : {
          trained_on: {
            training_set_sha256: record.training_set_sha256,
            definitions_hash: record.definitions_hash,
            run_id: record.run_id,
          },
        }),
  };
}

/** A model without versions has one entry all the same, as with Triton. */
function entriesOf({ definition: { name }, unloaded, problem, versions }: ModelState): RepositoryEntry[] {
  if (versions.length === 0) {
    return [{ name, version: "", state: "UNAVAILABLE", reason: unloaded ? "unloaded" : (problem?.code ?? "") }];
  }
  return versions.map(({ version, model, problem: own }) => ({
    name,
    version,
    state: model === undefined ? "UNAVAILABLE" : "READY",
    reason: (own ?? problem)?.code ?? "",
  }));
}

function describe({ predictor: { model } }: ModelLease, { versions }: ModelState): ModelMetadataAnswer {
  const { definition, version, checksum, runner } = model;
  return {
    name: definition.name,
    versions: versions.filter((each) => each.model !== undefined).map((each) => each.version),
    platform: PLATFORM,
    inputs: runner.inputs.flatMap(tensorOf),
    outputs: runner.outputs.flatMap(tensorOf),
    parameters: { version, checksum, feature_service: definition.featureService.name },
  };
}

/** What is no tensor, such as a sequence of maps, has no place in the protocol. */
function tensorOf({ name, type, shape }: TensorSpec): TensorMetadata[] {
  const datatype = datatypeOf(type);
  return datatype === undefined ? [] : [{ name, datatype, shape: (shape ?? [-1]).map((size) => size ?? -1) }];
}
