import { STATUS_CODES } from "node:http";
import {
  ERROR_STATUS,
  type ErrorStyle,
  FeastErrorBody,
  InferenceErrorBody,
  JSON_MEDIA_TYPE,
  PROBLEM_MEDIA_TYPE,
  ProblemBody,
  pathsOf,
  ROUTES,
  type RouteContract,
  StrictErrorBody,
  servedRoutes,
  TENANT_HEADER,
} from "@larder/contract";
import type { Definitions, ServerConfig } from "@larder/schema";
import type { TSchema } from "typebox";

/** A JSON value under construction. */
type Json = { readonly [member: string]: unknown };

const ERROR_STATUSES = [...new Set<number>(Object.values(ERROR_STATUS))].sort((left, right) => left - right);

/** Generates OpenAPI 3.1 from the contract's schemas, so that the document cannot differ from what is checked. */
export function openApiDocument({ project, server }: Pick<Definitions, "project" | "server">): Json {
  const schemes = securitySchemes(server);
  const paths: Record<string, Json> = {};
  for (const [operationId, route] of Object.entries(servedRoutes(server))) {
    const [own = "", ofTenant] = pathsOf(route);
    const method = route.method.toLowerCase();
    const needed = security(route, schemes, server);
    paths[own] = { ...paths[own], [method]: { ...operation(operationId, route, own), ...needed } };
    if (ofTenant === undefined) continue;
    const described = { ...operation(`${operationId}OfTenant`, route, ofTenant), ...needed };
    paths[ofTenant] = { ...paths[ofTenant], [method]: described };
  }
  return {
    openapi: "3.1.0",
    info: { title: `Larder: ${project}`, version: "0.1.0" },
    ...(Object.keys(schemes).length === 0 ? {} : { components: { securitySchemes: schemes } }),
    paths,
  };
}

/** How callers show who they are, as this server is set up. */
function securitySchemes({ auth, tls }: ServerConfig): Json {
  const description = "An API key of `larder keys create`, or a JSON Web Token";
  return {
    ...(typeof auth === "object" ? { bearer: { type: "http", scheme: "bearer", description } } : {}),
    ...(tls?.clientCa === undefined ? {} : { certificate: { type: "mutualTLS" } }),
  };
}

/** Every connection shows a certificate where one is asked for; the scope stands as the bearer's role. */
function security({ access, path }: RouteContract, schemes: Json, { auth }: ServerConfig): Json {
  const open =
    access === "open" || (path === ROUTES.metrics.path && typeof auth === "object" && auth.metrics === "open");
  const needed = Object.keys(schemes)
    .filter((scheme) => scheme === "certificate" || !open)
    .map((scheme) => [scheme, scheme === "bearer" && access !== "authenticated" ? [access] : []]);
  return needed.length === 0 ? {} : { security: [Object.fromEntries(needed)] };
}

function operation(operationId: string, route: RouteContract, path: string): Json {
  const parameters = [...pathParameters(path), ...tenantParameter(route), ...queryParameters(route)];
  return {
    operationId,
    summary: route.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: jsonContent(route.body) } }),
    responses: {
      200: { description: "OK", ...(route.answer.length === 0 ? {} : { content: jsonContent(route.answer) }) },
      ...(route.accepted === undefined
        ? {}
        : { 202: { description: "Accepted", content: jsonContent([route.accepted]) } }),
      ...errorResponses(route),
    },
  };
}

function errorResponses({ errors, body, path }: RouteContract): Json {
  if (body === undefined) {
    return path === "/readyz" ? { 503: { description: "Not ready" } } : {};
  }
  const content = ERROR_CONTENT[errors];
  return Object.fromEntries(
    ERROR_STATUSES.map((status) => [status, { description: `${STATUS_CODES[status] ?? "Client gone"}`, content }]),
  );
}

const ERROR_CONTENT: Readonly<Record<ErrorStyle, Json>> = {
  feast: { [JSON_MEDIA_TYPE]: { schema: FeastErrorBody } },
  strict: { [JSON_MEDIA_TYPE]: { schema: StrictErrorBody } },
  inference: { [JSON_MEDIA_TYPE]: { schema: InferenceErrorBody } },
  problem: { [PROBLEM_MEDIA_TYPE]: { schema: ProblemBody } },
};

function jsonContent(schemas: readonly TSchema[]): Json {
  const [only] = schemas;
  return { [JSON_MEDIA_TYPE]: { schema: schemas.length === 1 ? only : { anyOf: schemas } } };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string", minLength: 1 },
  }));
}

function tenantParameter({ tenant }: RouteContract): Json[] {
  if (!tenant) return [];
  const description = `Percent-encoded UTF-8; the server's own tenant when absent. Beside a tenant in the path: the same one.`;
  return [
    { name: TENANT_HEADER, in: "header", required: false, description, schema: { type: "string", minLength: 1 } },
  ];
}

function queryParameters({ query }: RouteContract): Json[] {
  const properties =
    (query as { readonly properties?: Readonly<Record<string, TSchema>> } | undefined)?.properties ?? {};
  return Object.entries(properties).map(([name, schema]) => ({ name, in: "query", required: false, schema }));
}
