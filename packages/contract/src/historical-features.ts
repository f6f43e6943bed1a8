import { type Static, Type } from "typebox";
import { Columns, RequestValue } from "./value.ts";

const AS_OF = ["bitemporal", "event_time"] as const;

/** Body of `POST /historical-features` in JSON; rows or columns, features or a feature service: one of each. */
export const HistoricalFeaturesRequest = Type.Object(
  {
    entity_rows: Type.Optional(
      Type.Array(Type.Record(Type.String(), RequestValue), {
        minItems: 1,
        description:
          "Join keys, a time in ISO 8601, and whatever else, such as a label; every row has the same members.",
      }),
    ),
    entities: Type.Optional(Columns),
    features: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: '"view:feature", in answer order.' }),
    ),
    feature_service: Type.Optional(Type.String({ minLength: 1 })),
    full_feature_names: Type.Optional(Type.Boolean({ description: "Name features `view__feature`. Default false." })),
    as_of: Type.Optional(
      Type.Enum([...AS_OF], {
        description: "event_time ignores created times. Default bitemporal: what was known at the row's time.",
      }),
    ),
    timestamp_column: Type.Optional(
      Type.String({ minLength: 1, description: "The rows' time. Default event_timestamp." }),
    ),
  },
  { additionalProperties: false },
);
export type HistoricalFeaturesRequest = Static<typeof HistoricalFeaturesRequest>;

/** Query of `POST /historical-features`: what the body of JSON says, for one that is a Parquet file of entity rows. */
export const HistoricalFeaturesQuery = Type.Object({
  features: Type.Optional(Type.String({ description: "For a Parquet body: view:feature, separated by commas." })),
  feature_service: Type.Optional(Type.String({ description: "For a Parquet body." })),
  full_feature_names: Type.Optional(Type.Enum(["true", "false"], { description: "For a Parquet body." })),
  as_of: Type.Optional(Type.Enum([...AS_OF], { description: "For a Parquet body." })),
  timestamp_column: Type.Optional(Type.String({ description: "For a Parquet body." })),
});
export type HistoricalFeaturesQuery = Static<typeof HistoricalFeaturesQuery>;
