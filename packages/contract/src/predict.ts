import { type Static, Type } from "typebox";
import { RequestValue, Status } from "./value.ts";

/** One entity: join key -> value. */
export const EntityRow = Type.Record(Type.String(), RequestValue);
export type EntityRow = Static<typeof EntityRow>;

/** Many rows for `POST /predict` and `POST /models/{model}/predict`. */
export const PredictRequest = Type.Object(
  { entity_rows: Type.Array(EntityRow, { minItems: 1 }) },
  { additionalProperties: false },
);
export type PredictRequest = Static<typeof PredictRequest>;

/** One row, flat: any object without `entity_rows`. */
export const FlatPredictRequest = Type.Record(Type.String(), RequestValue);
export type FlatPredictRequest = Static<typeof FlatPredictRequest>;

/** Why one row has no prediction. */
export const RowError = Type.Object({
  row: Type.Integer({ description: "Position in `entity_rows`." }),
  code: Type.Enum(["FEATURE_MISSING", "UNSAFE_INTEGER", "MODEL_FAILED"], {
    description:
      "A value is missing; an integer the model's input cannot hold exactly; the model answered no finite number.",
  }),
  message: Type.String(),
  features: Type.Array(Type.String({ description: "`view:feature`, those that were refused." })),
});
export type RowError = Static<typeof RowError>;

/** One prediction, under the model's `prediction.name`; an integer label is a raw number of any length. */
export const Prediction = Type.Record(
  Type.String(),
  Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null()]),
);
export type Prediction = Static<typeof Prediction>;

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
      Type.Record(Type.String(), Status, { description: "Per row, `view:feature` of what is not PRESENT." }),
    ),
  }),
});
export type PredictAnswer = Static<typeof PredictAnswer>;

/** Answer to {@link FlatPredictRequest}: the prediction itself; `errors` beside it where it is null. */
export const FlatPredictAnswer = Type.Record(Type.String(), Type.Unknown());
export type FlatPredictAnswer = Static<typeof FlatPredictAnswer>;
