import { JSON_MEDIA_TYPE, ROUTES } from "@larder/contract";
import type { FastifyInstance } from "fastify";
import { DOCS_POLICY, docsPage } from "../openapi/docs-page.ts";
import { openApiDocument } from "../openapi/open-api-document.ts";
import { addRoute } from "../plugins/add-route.ts";
import type { ServingContext } from "../serving-context.ts";

/** `GET /openapi.json`: the contract, as OpenAPI 3.1. `GET /docs`: the same for people, without a script. */
export function registerOpenApi(app: FastifyInstance, { definitions }: ServingContext): void {
  const document = openApiDocument(definitions);
  const text = JSON.stringify(document);
  const page = docsPage(document);
  addRoute(app, ROUTES.openapi, (_request, reply) => reply.header("content-type", JSON_MEDIA_TYPE).send(text));
  addRoute(app, ROUTES.docs, (_request, reply) =>
    reply
      .header("content-type", "text/html; charset=utf-8")
      .header("content-security-policy", DOCS_POLICY)
      .header("x-content-type-options", "nosniff")
      .send(page),
  );
}
