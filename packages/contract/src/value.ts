import { type Static, Type } from "typebox";

/**
 * A cell of a request: checked against the declared type of its column, not here. int64 may be a number of any length or a decimal string,
 * bytes are base64 text, unix_timestamp is whole epoch seconds.
 */
export const RequestValue = Type.Unknown({ description: "A value of the column's declared type, or null." });
export type RequestValue = Static<typeof RequestValue>;

/** Columns of equal length: column name -> one value per row. */
export const Columns = Type.Record(Type.String(), Type.Array(RequestValue));
export type Columns = Static<typeof Columns>;

/**
 * A cell of an answer. int64 is a raw number of any length (use a parser that keeps it exact beyond 2^53), float32 is widened to float64,
 * NaN and infinities are null with status PRESENT, bytes are base64, unix_timestamp is epoch seconds.
 */
export const AnswerValue = Type.Unknown({ description: "A value of the feature's declared type, or null." });
export type AnswerValue = Static<typeof AnswerValue>;

/** Status of one value, in Feast's names. */
export const STATUSES = ["INVALID", "PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE"] as const;
export const Status = Type.Enum([...STATUSES]);
export type Status = Static<typeof Status>;
