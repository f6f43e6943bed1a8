import { type LivezAnswer, type ReadyzAnswer, ROUTES } from "@larder/contract";
import { type Definitions, isLarderError } from "@larder/schema";
import type { FastifyInstance } from "fastify";
import type { Static } from "typebox";
import { addRoute } from "../plugins/add-route.ts";
import type { ServingContext } from "../serving-context.ts";

/** `GET /health`: Feast's, of the process and its definitions. */
export function registerFeastHealth(app: FastifyInstance): void {
  addRoute(app, ROUTES.health, (_request, reply) => reply.send());
}

/** `GET /livez` (never asks the store: an outage must not restart every process) and `GET /readyz` (store and models). */
export function registerHealth(app: FastifyInstance, context: ServingContext, stopping: AbortSignal | undefined): void {
  const alive: LivezAnswer = { status: "alive" };
  addRoute(app, ROUTES.livez, () => alive);
  addRoute(app, ROUTES.readyz, async (_request, reply) => {
    const checks: Record<string, string> = {
      server: stopping?.aborted === true ? "stopping" : "ok",
      store: await checkStore(context),
      models: context.models.ready ? "ok" : "MODEL_NOT_READY",
    };
    // Where every answer has something to fall back on, a process without its store is still worth asking.
    const needed = answersNeedStore(context.definitions) ? Object.values(checks) : [checks["server"], checks["models"]];
    const ready = needed.every((check) => check === "ok");
    const answer: Static<typeof ReadyzAnswer> = { status: ready ? "ready" : "not_ready", checks };
    return reply.code(ready ? 200 : 503).send(answer);
  });
}

/** True when some route answers 503 without the store. A model with `otherwise: fail` is of use for what it knows. */
function answersNeedStore({ onFailure, models }: Definitions): boolean {
  if (models.size === 0) return onFailure === "fail";
  return [...models.values()].some((model) => model.onStoreFailure.policy === "fail");
}

/** One round trip, bounded by the store's own deadline. Any tenant will do: the question is about the backend. */
async function checkStore({ store }: ServingContext): Promise<string> {
  try {
    await store.ping({ tenant: "default" });
    return "ok";
  } catch (error) {
    if (isLarderError(error)) return error.code;
    throw error;
  }
}
