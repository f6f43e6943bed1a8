import type { OfflineEngine } from "../offline/offline-engine.ts";
import type { JoinSpec } from "../point-in-time/join-spec.ts";
import type { EntityRows } from "../training-set/entity-rows.ts";
import { shipRows } from "./ship-rows.ts";
import type { SparkEntities } from "./spark-join.ts";
import type { SparkEngine } from "./spark-session.ts";

/** Name of the entity rows in a session on the cluster. */
export const ENTITIES_VIEW = "larder_entity_rows";

/**
 * Sends the entity rows to the cluster: their keys and times, which is all that the join needs, and for an output there every column. @throws UNSUPPORTED for too many, OFFLINE_FAILED, ABORTED
 */
export async function shipEntities(
  engine: OfflineEngine,
  spark: SparkEngine,
  spec: JoinSpec,
  entities: EntityRows,
  output: "here" | "cluster",
  signal: AbortSignal | undefined,
): Promise<SparkEntities> {
  const keys = spec.entityKeys.map(({ column }, i) => [column, `key${i}`] as const);
  const select = [
    "'' AS larder_file",
    "CAST(rowid AS BIGINT) AS larder_row",
    `${entities.time} AS moment`,
    ...keys.map(([column, name]) => `${entities.keys.get(column)} AS ${name}`),
  ];
  if (output === "cluster") select.push(...entities.columns.map((_, i) => `c${i}`));
  const call = { subject: { kind: "plan" }, signal } as const;
  await shipRows(engine, `SELECT ${select.join(", ")} FROM entity_rows`, spark, ENTITIES_VIEW, call);
  return {
    relation: ENTITIES_VIEW,
    count: entities.count,
    keys: new Map(keys),
    moment: "moment",
    number: "larder_row",
    minTime: entities.minTime,
    maxTime: entities.maxTime,
  };
}
