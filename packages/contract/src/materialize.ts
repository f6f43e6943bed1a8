import { type Static, Type } from "typebox";
import { ProblemBody } from "./error-body.ts";

const time = (description: string) => Type.String({ minLength: 1, description });

const common = {
  feature_views: Type.Optional(
    Type.Union([Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }), Type.Null()], {
      description: "Default: every view with a batch source.",
    }),
  ),
  full_feature_names: Type.Optional(
    Type.Boolean({ description: "Taken for Feast's sake; has no effect there either." }),
  ),
  version: Type.Optional(Type.Null({ description: "Views have no versions here." })),
};

/** Body of `POST /materialize`: a window of event times (ISO 8601; naive is UTC), inclusive at both ends. */
export const MaterializeRequest = Type.Object({
  start_ts: Type.Optional(Type.Union([time("Needed unless disable_event_timestamp is true."), Type.Null()])),
  end_ts: Type.Optional(Type.Union([time("Needed unless disable_event_timestamp is true."), Type.Null()])),
  disable_event_timestamp: Type.Optional(
    Type.Boolean({ description: "True: from the beginning to now; start_ts and end_ts are left out then." }),
  ),
  ...common,
});
export type MaterializeRequest = Static<typeof MaterializeRequest>;

/** Body of `POST /materialize-incremental`: what came since the last run, up to an event time. */
export const MaterializeIncrementalRequest = Type.Object({
  end_ts: time("ISO 8601; naive is UTC. A time ahead of now means now."),
  ...common,
});
export type MaterializeIncrementalRequest = Static<typeof MaterializeIncrementalRequest>;

/** Query of both. */
export const MaterializeQuery = Type.Object({
  async: Type.Optional(
    Type.Enum(["true", "false"], { description: "Answer 202 at once, with a job to poll. Default false." }),
  ),
});
export type MaterializeQuery = Static<typeof MaterializeQuery>;

/** Answer when the run is done: Feast's `null`. */
export const MaterializeAnswer = Type.Null();
export type MaterializeAnswer = Static<typeof MaterializeAnswer>;

/** Answer to `?async=true`, status 202: Feast's members, and the job, whose address is in the header `location`, too. */
export const MaterializeAccepted = Type.Object({
  status: Type.Literal("accepted"),
  feature_views: Type.Array(Type.String()),
  job_id: Type.String(),
});
export type MaterializeAccepted = Static<typeof MaterializeAccepted>;

/** What became of the rows of one view; `past_ttl` and `conflict` count rows that are also one of the others. */
export const MaterializedView = Type.Object({
  feature_view: Type.String(),
  rows: Type.Integer(),
  applied: Type.Integer(),
  duplicate: Type.Integer(),
  stale: Type.Integer(),
  expired: Type.Integer(),
  conflict: Type.Integer(),
  past_ttl: Type.Integer({ description: "Rows past their online TTL." }),
  refused: Type.Integer({ description: "Rows that cannot be used: dated ahead, a join key over 1 KiB." }),
});
export type MaterializedView = Static<typeof MaterializedView>;

/** Answer of `GET /materialize/jobs/{id}`. The process keeps its last jobs in memory. */
export const MaterializeJob = Type.Object({
  job_id: Type.String(),
  status: Type.Enum(["running", "succeeded", "failed"]),
  feature_views: Type.Array(Type.String()),
  started_at: Type.String(),
  ended_at: Type.Optional(Type.String()),
  views: Type.Optional(Type.Array(MaterializedView, { description: "When it succeeded." })),
  warnings: Type.Optional(Type.Array(Type.String(), { description: "When it succeeded." })),
  error: Type.Optional(ProblemBody),
});
export type MaterializeJob = Static<typeof MaterializeJob>;
