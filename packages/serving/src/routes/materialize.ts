import {
  type MaterializeAccepted,
  type MaterializeAnswer,
  MaterializeIncrementalRequest,
  type MaterializeJob,
  MaterializeRequest,
  ROUTES,
  type RouteContract,
} from "@larder/contract";
import { formatTime, LarderError, MAX_ONLINE_MICROS, parseTime } from "@larder/schema";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { logEnd, logWarnings } from "../materialize/log-job.ts";
import type { MaterializedCounts, MaterializeRun } from "../materialize/materialize-function.ts";
import type { Job, MaterializeJobs } from "../materialize/materialize-jobs.ts";
import { viewsToRun } from "../materialize/views-to-run.ts";
import { addRoute } from "../plugins/add-route.ts";
import { compileBodyCheck } from "../plugins/check-body.ts";
import { problemBody } from "../plugins/error-body.ts";
import { toLarderError } from "../plugins/errors.ts";
import { queryFlag } from "../plugins/query-flag.ts";
import { requestLog } from "../plugins/request-id.ts";
import { tenantOf } from "../plugins/tenant.ts";
import type { ServingContext } from "../serving-context.ts";

const checkWindow = compileBodyCheck(MaterializeRequest);
const checkIncremental = compileBodyCheck(MaterializeIncrementalRequest);

/** `POST /materialize` and `POST /materialize-incremental`, as in Feast. */
export function registerMaterialize(app: FastifyInstance, context: ServingContext, jobs: MaterializeJobs): void {
  const { definitions, clock } = context;
  const add = (
    route: RouteContract,
    runOf: (body: unknown, tenant: string) => Pick<MaterializeRun, "window" | "views">,
  ) => {
    addRoute(app, route, (request, reply) => {
      const tenant = tenantOf(context, request);
      const later = queryFlag(request.query, "async");
      if (queryFlag(request.query, "force")) throw noForce();
      return answer(jobs.start({ ...runOf(request.body, tenant), tenant }), later, request, reply);
    });
  };
  add(ROUTES.materialize, (body, tenant) => {
    const checked = checkWindow(body);
    return { window: windowOf(checked, clock.now()), views: viewsToRun(definitions, checked.feature_views, tenant) };
  });
  add(ROUTES.materializeIncremental, (body, tenant) => {
    const { end_ts, feature_views } = checkIncremental(body);
    return {
      window: { incrementalTo: parseTime(end_ts, "end_ts") },
      views: viewsToRun(definitions, feature_views, tenant),
    };
  });
}

/** `GET /materialize/jobs/{id}`, and the end of every run with the app's. */
export function registerMaterializeJobs(app: FastifyInstance, context: ServingContext, jobs: MaterializeJobs): void {
  addRoute(app, ROUTES.materializeJob, (request): MaterializeJob => {
    const { id } = request.params as { readonly id: string };
    return describe(jobs.get(tenantOf(context, request), id));
  });
  app.addHook("preClose", async () => jobs.abort());
  app.addHook("onClose", () => jobs.ended());
}

async function answer(
  job: Job,
  later: boolean,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | MaterializeAccepted> {
  const { id, views } = job;
  if (later) {
    logEnd(job, requestLog(request));
    reply.code(202).header("location", prefixOf(request) + ROUTES.materializeJob.path.replace("{id}", id));
    return { status: "accepted", feature_views: [...views], job_id: id };
  }
  logWarnings(job, (await job.done).warnings, requestLog(request));
  const nothing: MaterializeAnswer = null;
  return reply.header("content-type", "application/json").send(JSON.stringify(nothing));
}

/** What stands before the route's path, such as `/t/acme`, as the caller wrote it. */
function prefixOf({ url }: FastifyRequest): string {
  const [path = ""] = url.split("?", 1);
  return path.slice(0, path.lastIndexOf("/materialize"));
}

function describe({ id, views, startedAt, state }: Job): MaterializeJob {
  const job = { job_id: id, status: state.kind, feature_views: [...views], started_at: formatTime(startedAt) };
  switch (state.kind) {
    case "running":
      return job;
    case "succeeded": {
      const { views: counts, warnings } = state.outcome;
      return { ...job, ended_at: formatTime(state.endedAt), views: counts.map(countsOf), warnings: [...warnings] };
    }
    case "failed":
      return { ...job, ended_at: formatTime(state.endedAt), error: problemBody(toLarderError(state.error), id) };
  }
}

function countsOf({ view, pastTtl, rows, applied, duplicate, stale, expired, conflict, refused }: MaterializedCounts) {
  return {
    feature_view: view,
    rows,
    applied,
    duplicate,
    stale,
    expired,
    conflict,
    past_ttl: pastTtl,
    refused,
  };
}

function windowOf(body: MaterializeRequest, now: number): { readonly start: number; readonly end: number } {
  const { start_ts, end_ts, disable_event_timestamp } = body;
  if (disable_event_timestamp === true) {
    if (start_ts == null && end_ts == null) return { start: -MAX_ONLINE_MICROS, end: now };
    throw invalid(
      "disable_event_timestamp",
      "disable_event_timestamp means from the beginning to now, and a time is given, too",
      "Leave out start_ts and end_ts, or disable_event_timestamp",
    );
  }
  const time = (field: "start_ts" | "end_ts"): number => {
    const text = body[field];
    if (text == null) throw invalid(field, `"${field}" is missing`, "Give an ISO 8601 time");
    return parseTime(text, field);
  };
  const window = { start: time("start_ts"), end: time("end_ts") };
  if (window.start <= window.end) return window;
  throw invalid("start_ts", "The window starts after it ends", "Give start_ts before end_ts; both are inclusive");
}

function noForce(): LarderError {
  return new LarderError("UNSUPPORTED", {
    what: '"force" is not taken: two runs at once on one view would only hinder each other',
    remedy: "Leave it out; a run that died holds up none after it",
    facts: { field: "force" },
  });
}

function invalid(field: string, what: string, remedy: string): LarderError {
  return new LarderError("INVALID_REQUEST", { what, remedy, facts: { field } });
}
