import { type Static, Type } from "typebox";
import { Columns } from "./value.ts";

/** Body of `POST /push`: rows for every view of a push source. */
export const PushRequest = Type.Object({
  push_source_name: Type.String({ minLength: 1 }),
  df: Columns,
  to: Type.Optional(
    Type.Enum(["online", "offline", "online_and_offline"], { description: "Default and only `online` is served." }),
  ),
  allow_registry_cache: Type.Optional(Type.Boolean()),
  transform_on_write: Type.Optional(Type.Boolean()),
});
export type PushRequest = Static<typeof PushRequest>;

/** Body of `POST /write-to-online-store`: rows for one view. */
export const WriteRequest = Type.Object({
  feature_view_name: Type.String({ minLength: 1 }),
  df: Columns,
  allow_registry_cache: Type.Optional(Type.Boolean()),
  transform_on_write: Type.Optional(Type.Boolean()),
});
export type WriteRequest = Static<typeof WriteRequest>;

/** Body of `POST /delete-from-online-store`: a tombstone per entity, all of one event time (ISO 8601; naive is UTC). */
export const DeleteRequest = Type.Object(
  {
    feature_view_name: Type.String({ minLength: 1 }),
    entities: Columns,
    event_timestamp: Type.String({ minLength: 1 }),
  },
  { additionalProperties: false },
);
export type DeleteRequest = Static<typeof DeleteRequest>;

/** What became of the rows of one view. `rows` is the sum of the four outcomes; `conflict` counts ties decided by bytes among them. */
export const WriteCounts = Type.Object({
  feature_view: Type.String(),
  rows: Type.Integer(),
  applied: Type.Integer(),
  duplicate: Type.Integer(),
  stale: Type.Integer(),
  expired: Type.Integer(),
  conflict: Type.Integer(),
});
export type WriteCounts = Static<typeof WriteCounts>;

/** Answer of every write route. */
export const WriteAnswer = Type.Object({
  views: Type.Array(WriteCounts),
  ignored_columns: Type.Array(Type.String({ description: "Columns that no view of the request reads." })),
});
export type WriteAnswer = Static<typeof WriteAnswer>;
