import type { Columns } from "@larder/contract";
import { type KeyType, LarderError } from "@larder/schema";
import { type EntityKeys, encodeEntityColumns, type ReadPlan } from "@larder/store-core";

/**
 * Encodes the entity columns of a request.
 * @throws INVALID_REQUEST for no rows, columns of different lengths, missing or bad join keys; PAYLOAD_TOO_LARGE for too many rows
 */
export function encodeColumns(plan: ReadPlan, entities: Columns, maxRows: number): EntityKeys {
  // A plan without join keys has one row, whatever column stands for it; Feast's callers send a dummy column.
  const columns = plan.joinKeys.length === 0 && Object.keys(entities).length === 0 ? ONE_ROW : entities;
  for (const values of Object.values(columns)) refuseTooMany(values.length, maxRows, "entities");
  const keys = encodeEntityColumns(plan, columns);
  if (keys.rowCount === 0) throw noRows("entities");
  return keys;
}

const ONE_ROW: Columns = { "": [null] };

/** The values of an entity column that has been encoded, as Feast echoes them: a decimal string of an integer key is a number. */
export function keyTexts(type: KeyType, values: readonly unknown[]): string[] {
  switch (type) {
    case "string":
    case "bytes":
      return values.map((value) => JSON.stringify(value));
    case "int32":
    case "int64":
    case "unix_timestamp":
      return values.map((value) => (typeof value === "string" ? `${BigInt(value)}` : `${value as number | bigint}`));
  }
}

/** @throws PAYLOAD_TOO_LARGE */
export function refuseTooMany(rows: number, maxRows: number, field: string): void {
  if (rows <= maxRows) return;
  throw new LarderError("PAYLOAD_TOO_LARGE", {
    what: `The request has ${rows} rows, more than the ${maxRows} that server.max_rows allows`,
    remedy: "Split the request",
    facts: { field },
  });
}

/** A request without rows is a caller's mistake, not an empty answer. */
export function noRows(field: string): LarderError {
  return new LarderError("INVALID_REQUEST", {
    what: `"${field}" has no rows`,
    remedy: "Give at least one row",
    facts: { field },
  });
}
