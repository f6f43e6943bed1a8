import type { Columns } from "@larder/contract";
import { LarderError } from "@larder/schema";
import { noRows, refuseTooMany } from "../features/entity-columns.ts";

/**
 * Turns a columnar frame into one record per row.
 * @throws INVALID_REQUEST for no rows or columns of different lengths, PAYLOAD_TOO_LARGE for too many rows
 */
export function frameRecords(frame: Columns, field: string, maxRows: number): Record<string, unknown>[] {
  const columns = Object.entries(frame);
  const [first] = columns;
  if (first === undefined || first[1].length === 0) throw noRows(field);
  const rows = first[1].length;
  for (const [name, values] of columns) {
    refuseTooMany(values.length, maxRows, field);
    if (values.length !== rows) {
      throw new LarderError("INVALID_REQUEST", {
        what: `Column "${name.slice(0, 100)}" has ${values.length} values and "${first[0].slice(0, 100)}" has ${rows}`,
        remedy: "Give every column one value per row",
        facts: { field: `${field}.${name.slice(0, 100)}` },
      });
    }
  }
  const records: Record<string, unknown>[] = [];
  for (let row = 0; row < rows; row++) {
    const record: Record<string, unknown> = {};
    for (const [name, values] of columns) record[name] = values[row];
    records.push(record);
  }
  return records;
}
