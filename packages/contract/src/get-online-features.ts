import { type Static, Type } from "typebox";
import { AnswerValue, Columns, Status } from "./value.ts";

/** Body of `POST /get-online-features`. `feature_service` wins over `features`, as in Feast; one of them is needed. */
export const GetOnlineFeaturesRequest = Type.Object({
  features: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), { description: '"view:feature", in answer order.' }),
  ),
  feature_service: Type.Optional(Type.String({ minLength: 1 })),
  entities: Columns,
  full_feature_names: Type.Optional(Type.Boolean({ description: "Name features `view__feature`. Default false." })),
  include_feature_view_version_metadata: Type.Optional(Type.Boolean()),
});
export type GetOnlineFeaturesRequest = Static<typeof GetOnlineFeaturesRequest>;

/** Query of `POST /get-online-features`. */
export const GetOnlineFeaturesQuery = Type.Object({
  allow_stale: Type.Optional(
    Type.Enum(["true", "false"], { description: "Hand out values that are OUTSIDE_MAX_AGE. Default false." }),
  ),
  age: Type.Optional(
    Type.Enum(["true", "false"], { description: "Add `ages` and `sources` to each feature's column. Default false." }),
  ),
});
export type GetOnlineFeaturesQuery = Static<typeof GetOnlineFeaturesQuery>;

/** Column-major: `results[i]` belongs to `metadata.feature_names[i]`; entity columns first, then features in the order asked for. */
export const GetOnlineFeaturesAnswer = Type.Object({
  results: Type.Array(
    Type.Object({
      values: Type.Array(AnswerValue),
      statuses: Type.Array(Status),
      event_timestamps: Type.Array(
        Type.String({ description: "RFC 3339; 1970-01-01T00:00:00Z where there is no row." }),
      ),
      ages: Type.Optional(
        Type.Array(Type.Union([Type.Number(), Type.Null()]), {
          description:
            "With ?age=true: seconds from the event time of the value's row to now; null where nothing was found.",
        }),
      ),
      sources: Type.Optional(
        Type.Array(Type.Enum(["store", "near_cache", "last_known_good", "default"]), {
          description: "With ?age=true: where each value's row was read.",
        }),
      ),
    }),
  ),
  metadata: Type.Object({
    feature_names: Type.Array(Type.String()),
    degraded: Type.Boolean({ description: "True iff last-known-good or outage defaults were used." }),
    feature_view_metadata: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))),
  }),
});
export type GetOnlineFeaturesAnswer = Static<typeof GetOnlineFeaturesAnswer>;
