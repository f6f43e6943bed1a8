import { STATUS_CODES } from "node:http";
import {
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
import type { Definitions, FeatureRef, ServerConfig } from "@larder/schema";
import type { TSchema } from "typebox";
import type { ModelState } from "../registry/model-state.ts";
import {
  deleteBody,
  featuresBody,
  historicalBody,
  materializeBody,
  materializeIncrementalBody,
  modelBody,
  pushBody,
  type TypedBody,
  writeBody,
} from "./typed-bodies.ts";
import type { Json } from "./value-schema.ts";

/** One operation of the document: a route of the contract, or of one model where the route is every model's. */
interface Operation {
  readonly operationId: string;
  readonly route: RouteContract;
  readonly typed: TypedBody | undefined;
}

/** An operation whose schemas are components. */
interface Described {
  readonly operationId: string;
  readonly route: RouteContract;
  readonly body: Json | undefined;
  readonly answer: Json | undefined;
  readonly example: unknown;
}

/**
 * Generates OpenAPI 3.1 from the contract's schemas and the definitions' names and types, so that the document cannot differ from what is checked. A
 * route that predicts with a model stands there once for each model.
 */
export function openApiDocument(definitions: Definitions, states: readonly ModelState[]): Json {
  const { project, server, models } = definitions;
  const schemes = securitySchemes(server);
  const schemas: Record<string, Json | TSchema> = Object.fromEntries(
    Object.values(ERROR_BODIES).map(([name, schema]) => [name, schema]),
  );
  const paths: Record<string, Json> = {};
  for (const each of operations(definitions, states)) {
    const { route, operationId } = each;
    const [own = "", ofTenant] = pathsOf(route);
    const method = route.method.toLowerCase();
    const described = referTo(schemas, each);
    const shared = security(route, schemes, server);
    const describe = (id: string, path: string) => ({
      ...operation(id, described, path, [...models.keys()]),
      ...shared,
    });
    paths[own] = { ...paths[own], [method]: describe(operationId, own) };
    if (ofTenant === undefined) continue;
    paths[ofTenant] = { ...paths[ofTenant], [method]: describe(`${operationId}OfTenant`, ofTenant) };
  }
  return {
    openapi: "3.1.0",
    info: { title: `Larder: ${project}`, version: "0.1.0" },
    components: { schemas, ...(Object.keys(schemes).length === 0 ? {} : { securitySchemes: schemes }) },
    paths,
  };
}

function operations(definitions: Definitions, states: readonly ModelState[]): readonly Operation[] {
  const { server } = definitions;
  const bodies = new Map(states.map((state) => [state.definition.name, modelBody(state.definition, readsOf(state))]));
  const [first] = bodies.values();
  const typed: Readonly<Partial<Record<string, TypedBody | undefined>>> = {
    // Strictly, they take Feast's coercions, too.
    ...(server.strictFeast
      ? {}
      : {
          getOnlineFeatures: featuresBody(definitions),
          push: pushBody(definitions),
          writeToOnlineStore: writeBody(definitions),
          materialize: materializeBody(definitions),
          materializeIncremental: materializeIncrementalBody(definitions),
        }),
    deleteFromOnlineStore: deleteBody(definitions),
    historicalFeatures: historicalBody(definitions),
    predict: first,
  };
  return Object.entries(servedRoutes(server)).flatMap(([operationId, route]): Operation[] => {
    const ofEachModel = operationId === "predictWithModel" || operationId === "predictWithVersion";
    if (!ofEachModel || bodies.size === 0) return [{ operationId, route, typed: typed[operationId] }];
    return [...bodies].map(([name, body]) => ({
      operationId: `${operationId}.${identifier(name)}`,
      route: { ...route, path: route.path.replace("{model}", () => encodeURIComponent(name)) },
      typed: body,
    }));
  });
}

/** What the current version's inputs take; without one, all that the service has. */
function readsOf({ definition, current, versions }: ModelState): readonly FeatureRef[] {
  const model = versions.find(({ version }) => version === current)?.model;
  return model?.plan.columns.map(({ ref }) => ref) ?? definition.featureService.features;
}

/** A name as operation ids and components may have it; different ones stay different. */
function identifier(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/gu, (character) => `.${character.codePointAt(0)?.toString(16)}.`);
}

/** Puts an operation's schemas into the components, where the same operation of a named tenant finds them, too. */
function referTo(schemas: Record<string, Json | TSchema>, { operationId, route, typed }: Operation): Described {
  const refer = (name: string, schema: Json | TSchema): Json => {
    schemas[name] = schema;
    return reference(name);
  };
  const body = typed?.body ?? anyOf(route.body ?? []);
  const answer = typed?.answer ?? anyOf(route.answer);
  return {
    operationId,
    route,
    body: body === undefined ? undefined : refer(`${operationId}.Request`, body),
    answer: answer === undefined ? undefined : refer(`${operationId}.Answer`, answer),
    example: typed?.example,
  };
}

function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
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

function operation(operationId: string, described: Described, path: string, models: readonly string[]): Json {
  const { route, answer } = described;
  const parameters = [...pathParameters(path, models), ...tenantParameter(route), ...queryParameters(route)];
  return {
    operationId,
    summary: route.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBody(described),
    responses: {
      200: { description: "OK", ...(answer === undefined ? mediaOf(route) : jsonContent(answer)) },
      ...(route.accepted === undefined ? {} : { 202: { description: "Accepted", ...jsonContent(route.accepted) } }),
      ...errorResponses(route),
    },
  };
}

function requestBody({ route, body, example }: Described): Json {
  if (body === undefined) return {};
  const { content } = jsonContent(body, example);
  const other = route.bodyMedia === undefined ? {} : { [route.bodyMedia]: {} };
  return { requestBody: { required: route.bodyOptional !== true, content: { ...content, ...other } } };
}

/** What is neither JSON nor described. */
function mediaOf({ media }: RouteContract): Json {
  return media === undefined ? {} : { content: { [media]: {} } };
}

/** Every status that a route can answer beside those of success, each with the body that goes with it. */
function errorResponses(route: RouteContract): Json {
  const [name, , media] = ERROR_BODIES[route.errors];
  const content = { [media]: { schema: reference(name) } };
  return Object.fromEntries(
    errorStatuses(route).map((status) => {
      const description = STATUS_CODES[status] ?? "Error";
      if (status === 503 && route.unready !== undefined)
        return [status, { description: "Not ready", ...jsonContent(route.unready) }];
      return [status, { description, content }];
    }),
  );
}

/** Of a request that never became one, of the door, of what a route looks up, reads and writes. */
function errorStatuses({ access, tenant, body, path, unready }: RouteContract): readonly number[] {
  const closed = access !== "open";
  const statuses = new Set([400, 408, 431, 500]);
  const add = (condition: boolean, ...more: readonly number[]) => {
    if (condition) for (const status of more) statuses.add(status);
  };
  add(closed, 401, 403, 503);
  add(tenant, 404, 429);
  add(path.includes("{") || path.includes("/models/"), 404, 503);
  add(body !== undefined, 404, 409, 413, 415, 422, 503);
  add(access === "write", 507);
  add(access === "historical", 504);
  add(unready !== undefined, 503);
  return [...statuses].sort((left, right) => left - right);
}

/** Every style's body: its component, its schema, its media type. */
const ERROR_BODIES: Readonly<Record<ErrorStyle, readonly [name: string, schema: TSchema, media: string]>> = {
  feast: ["FeastError", FeastErrorBody, JSON_MEDIA_TYPE],
  strict: ["StrictFeastError", StrictErrorBody, JSON_MEDIA_TYPE],
  inference: ["InferenceError", InferenceErrorBody, JSON_MEDIA_TYPE],
  problem: ["Problem", ProblemBody, PROBLEM_MEDIA_TYPE],
};

function jsonContent(schema: unknown, example?: unknown) {
  return { content: { [JSON_MEDIA_TYPE]: { schema, ...(example === undefined ? {} : { example }) } } };
}

function anyOf(schemas: readonly TSchema[]): Json | TSchema | undefined {
  return schemas.length > 1 ? { anyOf: schemas } : schemas[0];
}

function pathParameters(path: string, models: readonly string[]): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string", ...(name === "model" && models.length > 0 ? { enum: models } : { minLength: 1 }) },
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
