import { JSON_MEDIA_TYPE, ROUTES } from "@larder/contract";
import type { FastifyInstance } from "fastify";
import { openApiDocument } from "../openapi/open-api-document.ts";
import { addRoute } from "../plugins/add-route.ts";
import type { ServingContext } from "../serving-context.ts";

/** `GET /openapi.json`: the contract, as OpenAPI 3.1. */
export function registerOpenApi(app: FastifyInstance, { definitions }: ServingContext): void {
  const text = JSON.stringify(openApiDocument(definitions));
  addRoute(app, ROUTES.openapi, (_request, reply) => reply.header("content-type", JSON_MEDIA_TYPE).send(text));
}
