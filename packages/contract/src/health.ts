import { type Static, Type } from "typebox";

/** `GET /livez`: the process answers. Never depends on the store. */
export const LivezAnswer = Type.Object({ status: Type.Literal("alive") });
export type LivezAnswer = Static<typeof LivezAnswer>;

/** `GET /readyz`: 200 when every check is `ok`, 503 otherwise. */
export const ReadyzAnswer = Type.Object({
  status: Type.Enum(["ready", "not_ready"]),
  checks: Type.Record(Type.String(), Type.String({ description: "`ok`, or the error code." })),
});
export type ReadyzAnswer = Static<typeof ReadyzAnswer>;
