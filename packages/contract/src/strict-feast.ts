import { Type } from "typebox";
import { AnswerValue, Columns, RequestValue } from "./value.ts";

/** A flag as FastAPI takes it, its words in any case. */
const flag = Type.Optional(
  Type.Union([
    Type.Boolean(),
    Type.Enum([0, 1]),
    Type.String({
      pattern: "^(?:[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff]|[TtFfYyNn01])$",
    }),
  ]),
);
const texts = Type.Array(Type.String());
const textOrNull = Type.Optional(Type.Union([Type.String(), Type.Null()]));

/** Bodies of Feast's server; further members pass. */
export const StrictFeaturesRequest = Type.Object({
  entities: Columns,
  feature_service: textOrNull,
  features: Type.Optional(texts),
  full_feature_names: flag,
  include_feature_view_version_metadata: flag,
});

const df = Type.Record(Type.String(), RequestValue, { description: "Columns of equal length." });

export const StrictPushRequest = Type.Object({
  push_source_name: Type.String(),
  df,
  to: Type.Optional(Type.String({ description: "Default and only `online` is served." })),
  allow_registry_cache: flag,
  transform_on_write: flag,
});

export const StrictWriteRequest = Type.Object({
  feature_view_name: Type.String(),
  df,
  allow_registry_cache: flag,
  transform_on_write: flag,
});

export const StrictMaterializeRequest = Type.Object({
  start_ts: textOrNull,
  end_ts: textOrNull,
  feature_views: Type.Optional(Type.Union([texts, Type.Null()])),
  disable_event_timestamp: flag,
  full_feature_names: flag,
  version: textOrNull,
});

export const StrictMaterializeIncrementalRequest = Type.Object({
  end_ts: Type.String(),
  feature_views: Type.Optional(Type.Union([texts, Type.Null()])),
  full_feature_names: flag,
  version: textOrNull,
});

export const StrictMaterializeQuery = Type.Object({ async: Type.Optional(Type.String()) });

/** Answers of Feast's server. */
export const StrictFeaturesAnswer = Type.Object({
  results: Type.Array(
    Type.Object({
      values: Type.Array(AnswerValue),
      statuses: Type.Array(Type.Enum(["INVALID", "PRESENT", "NOT_FOUND"])),
      event_timestamps: Type.Array(Type.String()),
    }),
  ),
  metadata: Type.Object({
    feature_names: texts,
    feature_view_metadata: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))),
  }),
});

export const StrictWriteAnswer = Type.Null();

export const StrictMaterializeAccepted = Type.Object({ status: Type.Literal("accepted"), feature_views: texts });

/** An error of Feast's server: the text of an exception, FastAPI's `detail`, or the views that are under way. */
export const StrictErrorBody = Type.Unknown({
  description: "A string, {detail} or {error, feature_views}, as Feast's server words it.",
});
