import { LarderError } from "@larder/schema";
import type { EntityInput } from "@larder/training-features";

/** What `--entities` or `--entities-sql` names. @throws INVALID_REQUEST unless exactly one of them is given */
export function entityInput({
  options: { entities, entitiesSql },
  path,
}: {
  readonly options: { readonly entities?: string; readonly entitiesSql?: string };
  readonly path: (given: string) => string;
}): EntityInput {
  if (entities !== undefined && entitiesSql === undefined) return path(entities);
  if (entities === undefined && entitiesSql !== undefined) return { sql: entitiesSql, folder: path(".") };
  throw new LarderError("INVALID_REQUEST", {
    what: entities === undefined ? "No entity rows are named" : "Both --entities and --entities-sql are given",
    remedy: "Name a file by --entities, or a query by --entities-sql",
    facts: { field: "entities" },
  });
}
