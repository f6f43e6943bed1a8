import { STATUS_CODES } from "node:http";
import {
  ERROR_STATUS,
  type ErrorStyle,
  FeastErrorBody,
  JSON_MEDIA_TYPE,
  PROBLEM_MEDIA_TYPE,
  ProblemBody,
  pathsOf,
  type RouteContract,
  StrictErrorBody,
  servedRoutes,
  TENANT_HEADER,
} from "@larder/contract";
import type { Definitions } from "@larder/schema";
import type { TSchema } from "typebox";

/** A JSON value under construction. */
type Json = { readonly [member: string]: unknown };

const ERROR_STATUSES = [...new Set<number>(Object.values(ERROR_STATUS))].sort((left, right) => left - right);

/** Generates OpenAPI 3.1 from the contract's schemas, so that the document cannot differ from what is checked. */
export function openApiDocument({ project, server }: Pick<Definitions, "project" | "server">): Json {
  const paths: Record<string, Json> = {};
  for (const [operationId, route] of Object.entries(servedRoutes(server))) {
    const [own = "", ofTenant] = pathsOf(route);
    const method = route.method.toLowerCase();
    paths[own] = { ...paths[own], [method]: operation(operationId, route, own) };
    if (ofTenant === undefined) continue;
    paths[ofTenant] = { ...paths[ofTenant], [method]: operation(`${operationId}OfTenant`, route, ofTenant) };
  }
  return {
    openapi: "3.1.0",
    info: { title: `Larder: ${project}`, version: "0.1.0" },
    paths,
  };
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
