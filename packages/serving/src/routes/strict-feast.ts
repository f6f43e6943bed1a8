import { JSON_MEDIA_TYPE, type STRICT_ROUTES, strictRoute } from "@larder/contract";
import { decodeUtf8, findPushSource, isLarderError, LarderError, parseJson } from "@larder/schema";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { checkFields, queryBoolean } from "../feast/check-fields.ts";
import { detailRefusal, FeastRefusal, feastError, pythonError, pythonList } from "../feast/feast-refusal.ts";
import { strictRows } from "../feast/strict-frame.ts";
import { findStrictView, strictEntities, strictSelection } from "../feast/strict-read.ts";
import { strictTime, strictWindow } from "../feast/strict-window.ts";
import { encodeColumns } from "../features/entity-columns.ts";
import { logEnd, logWarnings } from "../materialize/log-job.ts";
import type { MaterializeRun } from "../materialize/materialize-function.ts";
import type { Job, MaterializeJobs } from "../materialize/materialize-jobs.ts";
import { viewsToRun } from "../materialize/views-to-run.ts";
import { addRoute } from "../plugins/add-route.ts";
import { requestLog } from "../plugins/request-id.ts";
import { tenantOf } from "../plugins/tenant.ts";
import type { ServingContext } from "../serving-context.ts";
import { writeRows } from "../write/write-rows.ts";
import { featureReader } from "./get-online-features.ts";

/**
 * Feast's routes as Feast's own Python server answers them, below `prefix`: its coercions, statuses and error bodies. Where that would store or
 * serve what was not meant, Larder refuses; docs/feast.md has the list.
 */
export function registerStrictFeast(
  app: FastifyInstance,
  context: ServingContext,
  jobs: MaterializeJobs,
  prefix: string,
): void {
  // In a scope of its own, since Feast takes other bodies and says otherwise what is not there.
  app.register((scope, _options, done) => {
    registerBodies(scope, context.definitions.server);
    const add: AddRoute = (name, handler) => addRoute(scope, strictRoute(name, prefix), handler);
    addReads(add, context);
    addWrites(add, context);
    addMaterialize(add, context, jobs);
    add("health", (_request, reply) => reply.send());
    done();
  });
  if (prefix === "") return;
  for (const below of [prefix, `/t/:tenant${prefix}`]) {
    app.register(
      (scope, _options, done) => {
        scope.setNotFoundHandler(() => {
          throw detailRefusal("UNKNOWN_ROUTE", 404, '"Not Found"');
        });
        done();
      },
      { prefix: below },
    );
  }
}

type AddRoute = (
  name: keyof typeof STRICT_ROUTES,
  handler: (request: FastifyRequest, reply: FastifyReply) => unknown,
) => void;

function addReads(add: AddRoute, context: ServingContext): void {
  const { definitions, reads } = context;
  const read = featureReader(context);
  add("getOnlineFeatures", (request, reply) => {
    const tenant = tenantOf(context, request);
    const body = checkFields(request.body, {
      entities: { kind: "columns", required: true },
      feature_service: { kind: "text", nullable: true },
      features: { kind: "texts" },
      full_feature_names: { kind: "flag" },
      include_feature_view_version_metadata: { kind: "flag" },
    });
    const compiled = reads.get(strictSelection(definitions, body), { strict: true });
    const entities = strictEntities(definitions, compiled.plan, body.entities);
    const keys = encodeColumns(compiled.plan, entities, definitions.server.maxRows);
    const viewMetadata = body.include_feature_view_version_metadata ?? false;
    return read(reply, { compiled, keys, entities, tenant, allowStale: true, age: false, viewMetadata });
  });
}

function addWrites(add: AddRoute, context: ServingContext): void {
  const { definitions } = context;
  const { maxRows } = definitions.server;
  const flags = { allow_registry_cache: { kind: "flag" }, transform_on_write: { kind: "flag" } } as const;
  add("push", async (request, reply) => {
    const tenant = tenantOf(context, request);
    const { push_source_name, df, to } = checkFields(request.body, {
      push_source_name: { kind: "text", required: true },
      df: { kind: "map", required: true },
      to: { kind: "text" },
      ...flags,
    });
    if (to !== undefined && to !== "online") throw unknownTarget(to);
    const rows = strictRows(sourceViews(context, push_source_name), df, maxRows);
    await writeRows(context, tenant, rows);
    return reply.send();
  });
  add("writeToOnlineStore", async (request, reply) => {
    const tenant = tenantOf(context, request);
    const { feature_view_name, df } = checkFields(request.body, {
      feature_view_name: { kind: "text", required: true },
      df: { kind: "map", required: true },
      ...flags,
    });
    const view = definitions.views.get(feature_view_name);
    if (view === undefined) {
      const message = `Can't recognize feast object with a name ${feature_view_name}`;
      throw feastError("UNKNOWN_VIEW", 404, "FeastObjectNotFoundException", message);
    }
    await writeRows(context, tenant, strictRows([view], df, maxRows));
    return sendNull(reply);
  });
}

function addMaterialize(add: AddRoute, context: ServingContext, jobs: MaterializeJobs): void {
  const { definitions, clock } = context;
  const fields = {
    feature_views: { kind: "texts", nullable: true },
    full_feature_names: { kind: "flag" },
    version: { kind: "text", nullable: true },
  } as const;
  const viewsOf = (names: readonly string[] | undefined, tenant: string): readonly string[] => {
    for (const name of names ?? []) findStrictView(definitions, name);
    return viewsToRun(definitions, names, tenant);
  };
  const start = async (request: FastifyRequest, reply: FastifyReply, runOf: RunOf) => {
    const tenant = tenantOf(context, request);
    const later = queryBoolean(request.query, "async");
    if (queryBoolean(request.query, "force")) throw noForce();
    const job = startJob(jobs, { ...runOf(request.body, tenant), tenant }, later);
    if (later) {
      logEnd(job, requestLog(request));
      return reply.code(202).send({ status: "accepted", feature_views: job.views });
    }
    logWarnings(job, (await job.done).warnings, requestLog(request));
    return sendNull(reply);
  };
  const windowRun: RunOf = (body, tenant) => {
    const checked = checkFields(body, {
      start_ts: { kind: "text", nullable: true },
      end_ts: { kind: "text", nullable: true },
      disable_event_timestamp: { kind: "flag" },
      ...fields,
    });
    return { views: viewsOf(checked.feature_views, tenant), window: strictWindow(checked, clock.now()) };
  };
  const incrementalRun: RunOf = (body, tenant) => {
    const checked = checkFields(body, { end_ts: { kind: "text", required: true }, ...fields });
    return { views: viewsOf(checked.feature_views, tenant), window: { incrementalTo: strictTime(checked.end_ts) } };
  };
  add("materialize", (request, reply) => start(request, reply, windowRun));
  add("materializeIncremental", (request, reply) => start(request, reply, incrementalRun));
}

type RunOf = (body: unknown, tenant: string) => Omit<MaterializeRun, "signal" | "tenant">;

function startJob(jobs: MaterializeJobs, run: Omit<MaterializeRun, "signal">, later: boolean): Job {
  try {
    return jobs.start(run);
  } catch (error) {
    if (!later || !isLarderError(error) || error.code !== "STORE_CONFLICT") throw error;
    const busy = [String(error.facts["view"])];
    const said =
      "Cannot start async materialization \u2014 the following feature views are already in MATERIALIZING state: " +
      `${pythonList(busy)}. Use ?force=true to override.`;
    throw new FeastRefusal("STORE_CONFLICT", 409, JSON.stringify({ error: said, feature_views: busy }));
  }
}

function sourceViews({ definitions }: ServingContext, name: string) {
  if (definitions.pushSources.has(name)) return findPushSource(definitions, name);
  const message = `Unable to find push source '${name}'.`;
  throw feastError("UNKNOWN_PUSH_SOURCE", 422, "PushSourceNotFoundException", message);
}

function unknownTarget(to: string): LarderError {
  const targets = ["online", "offline", "online_and_offline"];
  if (!targets.includes(to)) {
    return pythonError(`${to} is not a supported push format. Please specify one of these ${pythonList(targets)}.`);
  }
  return new LarderError("INVALID_REQUEST", {
    what: `"to" is "${to}", and the server writes to the online store only`,
    remedy: 'Leave "to" out or say "online"; write history to the offline store\'s Parquet files',
    facts: { field: "to" },
  });
}

function noForce(): LarderError {
  return new LarderError("UNSUPPORTED", {
    what: '"force" is not taken: two runs at once on one view would only hinder each other',
    remedy: "Leave it out; a run that died holds up none after it",
    facts: { field: "force" },
  });
}

function sendNull(reply: FastifyReply): FastifyReply {
  return reply.header("content-type", JSON_MEDIA_TYPE).send("null");
}

/** A body that is not sent as JSON is a text to FastAPI; one that is and breaks off is 422. */
function registerBodies(scope: FastifyInstance, limits: { readonly jsonDepth: number }): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (_request, body, done) => {
    try {
      done(null, body.length === 0 ? undefined : parseJson(textOf(body), { maxDepth: limits.jsonDepth }));
    } catch (error) {
      done(isLarderError(error) && error.code === "MALFORMED_REQUEST" ? brokenJson(error) : (error as Error));
    }
  });
  scope.addContentTypeParser<Buffer>("*", { parseAs: "buffer" }, (_request, body, done) => {
    try {
      done(null, body.length === 0 ? undefined : textOf(body));
    } catch (error) {
      done(error as Error);
    }
  });
}

function textOf(body: Buffer): string {
  try {
    return decodeUtf8(body);
  } catch (error) {
    if (!isLarderError(error)) throw error;
    throw detailRefusal("MALFORMED_REQUEST", 400, '"There was an error parsing the body"');
  }
}

function brokenJson(error: LarderError): LarderError {
  if (error instanceof FeastRefusal) return error;
  const place = `"loc":["body",${Number(error.facts["offset"])}]`;
  const why = `"ctx":{"error":${JSON.stringify(error.what)}}`;
  const detail = `[{"type":"json_invalid",${place},"msg":"JSON decode error","input":{},${why}}]`;
  return detailRefusal("MALFORMED_REQUEST", 422, detail);
}
