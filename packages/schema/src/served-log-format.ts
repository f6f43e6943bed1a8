import type { KeyType, ValueType } from "./value-type.ts";

/** Names the form of a file of served vectors; a reader refuses others. */
export const SERVED_LOG_FORMAT = "larder.served_log/1";

/** The Parquet metadata key under which each file of served vectors describes itself. */
export const SERVED_LOG_META = "larder.served_log";

/**
 * What a Parquet file of served vectors holds: a row per entity row that a model was asked about. Beside the columns named here each file has
 * `served_at` (TIMESTAMP in microseconds), `tenant`, `model`, `version`, `checksum`, `request_id`, `row` (position in the request), `degraded`, and
 * `error` (the code where there is no prediction).
 */
export interface ServedLogDescription {
  readonly format: typeof SERVED_LOG_FORMAT;
  readonly project: string;
  readonly model: string;
  readonly feature_service: string;
  readonly join_keys: readonly { readonly name: string; readonly type: KeyType; readonly column: string }[];
  readonly features: readonly ServedLogFeature[];
  readonly predictions: readonly { readonly name: string; readonly type: ValueType; readonly column: string }[];
}

/** A feature and its columns. */
export type ServedLogFeature =
  | {
      readonly kind: "stored";
      readonly name: string;
      readonly type: ValueType;
      readonly view: string;
      readonly feature: string;
      /** Join key of the view -> name among the file's join keys. */
      readonly join_keys: Readonly<Record<string, string>>;
      /** The value as used. */
      readonly value: string;
      /** What the store had, as text. */
      readonly status: string;
      /** Microseconds from the event time of the stored row to `served_at`. */
      readonly age: string;
      readonly overridden: string;
    }
  | { readonly kind: "request"; readonly name: string; readonly type: ValueType; readonly value: string };

/** Whether a value is a {@link ServedLogDescription}, as far as a reader depends on it. */
export function isServedLogDescription(value: unknown): value is ServedLogDescription {
  if (typeof value !== "object" || value === null) return false;
  const { format, project, model, join_keys, features, predictions } = value as Partial<
    Record<keyof ServedLogDescription, unknown>
  >;
  return (
    format === SERVED_LOG_FORMAT &&
    typeof project === "string" &&
    typeof model === "string" &&
    Array.isArray(join_keys) &&
    Array.isArray(features) &&
    Array.isArray(predictions)
  );
}
