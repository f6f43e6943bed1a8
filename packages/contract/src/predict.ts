import { type Static, Type } from "typebox";
import { RequestValue, STATUSES } from "./value.ts";

const rowMembers = {
  overrides: Type.Optional(
    Type.Record(Type.String(), RequestValue, {
      description: "`view:feature` -> the value to use instead of the stored one; null stands for a missing value.",
    }),
  ),
};

/** One entity: join key -> value, and request feature of the model -> value. */
export const EntityRow = Type.Object(rowMembers, { additionalProperties: RequestValue });
export type EntityRow = Static<typeof EntityRow>;

/** Many rows for `POST /predict` and `POST /models/{model}/predict`. */
export const PredictRequest = Type.Object(
  { entity_rows: Type.Array(EntityRow, { minItems: 1 }) },
  { additionalProperties: false },
);
export type PredictRequest = Static<typeof PredictRequest>;

/** One row, flat: any object without `entity_rows`. */
export const FlatPredictRequest = Type.Object(rowMembers, { additionalProperties: RequestValue });
export type FlatPredictRequest = Static<typeof FlatPredictRequest>;

/** Why one row has no prediction. */
export const RowError = Type.Object({
  row: Type.Integer({ description: "Position in `entity_rows`." }),
  code: Type.Enum(["FEATURE_MISSING", "UNSAFE_INTEGER", "INEXACT_VALUE", "WRONG_WIDTH", "MODEL_FAILED"], {
    description:
      "A value is missing; an integer, or a float64, the model's input cannot hold exactly; a list of another width than the input's; the model answered no finite number.",
  }),
  message: Type.String(),
  features: Type.Array(
    Type.String({ description: "`view:feature`, or the name of a request feature: those that were refused." }),
  ),
});
export type RowError = Static<typeof RowError>;

const PredictionScalar = Type.Union([Type.Number(), Type.String(), Type.Boolean()]);

/** One output of a model for one row: a scalar, or all columns of an `[n, k]` output; an integer label is a raw number of any length. */
export const PredictionValue = Type.Union([PredictionScalar, Type.Array(PredictionScalar), Type.Null()]);
export type PredictionValue = Static<typeof PredictionValue>;

/** What a model says about one row: each `prediction.name` of the yaml -> its value. */
export const Prediction = Type.Record(Type.String(), PredictionValue);
export type Prediction = Static<typeof Prediction>;

/** Status of a stored value, or that the request brought another one. */
export const UsedStatus = Type.Enum([...STATUSES, "OVERRIDDEN"]);
export type UsedStatus = Static<typeof UsedStatus>;

/** Answer to {@link PredictRequest}: `predictions[i]` belongs to `entity_rows[i]`, null where `errors` says why. */
export const PredictAnswer = Type.Object({
  predictions: Type.Array(Type.Union([Prediction, Type.Null()])),
  errors: Type.Optional(Type.Array(RowError)),
  metadata: Type.Object({
    model: Type.String(),
    version: Type.String(),
    checksum: Type.String({ description: "SHA-256 (hex) of the version's ONNX file." }),
    feature_service: Type.String(),
    degraded: Type.Boolean(),
    feature_status: Type.Array(
      Type.Record(Type.String(), UsedStatus, {
        description: "Per row, `view:feature` of what is not PRESENT, or OVERRIDDEN by the request.",
      }),
    ),
  }),
});
export type PredictAnswer = Static<typeof PredictAnswer>;

/** Answer to {@link FlatPredictRequest}: the prediction itself; `errors` beside it where it is null, `feature_status` where the row has overrides. */
export const FlatPredictAnswer = Type.Record(Type.String(), Type.Unknown());
export type FlatPredictAnswer = Static<typeof FlatPredictAnswer>;
