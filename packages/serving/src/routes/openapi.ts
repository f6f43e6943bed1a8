import { JSON_MEDIA_TYPE, ROUTES } from "@larder/contract";
import type { FastifyInstance } from "fastify";
import { DOCS_POLICY, docsPage } from "../openapi/docs-page.ts";
import { openApiDocument } from "../openapi/open-api-document.ts";
import type { Json } from "../openapi/value-schema.ts";
import { addRoute } from "../plugins/add-route.ts";
import type { ServingContext } from "../serving-context.ts";

/** `GET /openapi.json`: the contract, as OpenAPI 3.1. `GET /docs`: the same for people, without a script. */
export function registerOpenApi(app: FastifyInstance, { definitions, models }: ServingContext): void {
  let written: { readonly of: string; readonly document: Json; readonly text: string } | undefined;
  // What a model reads may change with its version.
  const current = () => {
    const states = models.states();
    const of = states.map((state) => `${state.current} ${state.loads.succeeded}`).join();
    if (written?.of !== of) {
      const document = openApiDocument(definitions, states);
      written = { of, document, text: JSON.stringify(document) };
    }
    return written;
  };
  addRoute(app, ROUTES.openapi, (_request, reply) =>
    reply.header("content-type", JSON_MEDIA_TYPE).send(current().text),
  );
  addRoute(app, ROUTES.docs, (_request, reply) =>
    reply
      .header("content-type", "text/html; charset=utf-8")
      .header("content-security-policy", DOCS_POLICY)
      .header("x-content-type-options", "nosniff")
      .send(docsPage(current().document)),
  );
}
