import type { Columns } from "@larder/contract";
import { type FeatureBatch, FieldStatus, STATUS_NAMES } from "@larder/store-core";
import type { StatusCounts } from "../metrics/status-counts.ts";
import type { CompiledRead } from "./compiled-read.ts";
import { keyTexts } from "./entity-columns.ts";
import { timeText } from "./time-text.ts";

/** Feast's event time of what has none. */
const EPOCH = '"1970-01-01T00:00:00Z"';

/** STATUS_NAMES as JSON texts. */
const STATUS_TEXTS = STATUS_NAMES.map((name) => `"${name}"`);

/**
 * The answer of `/get-online-features` as JSON text, straight from the batch: entity columns in the request's order, then features in the
 * order asked for. Counts every status on the way.
 */
export function writeFeaturesAnswer(
  read: CompiledRead,
  entities: Columns,
  batch: FeatureBatch,
  counts: StatusCounts,
  options: { readonly viewMetadata: boolean },
): string {
  const results: string[] = [];
  let names = "";
  for (const column of Object.keys(entities)) {
    const type = read.keyTypes.get(column);
    if (type === undefined) continue;
    names += `,${JSON.stringify(column)}`;
    const values = keyTexts(type, entities[column] as readonly unknown[]);
    results.push(
      resultText(
        values,
        values.map(() => STATUS_TEXTS[FieldStatus.PRESENT]),
        values.map(() => EPOCH),
      ),
    );
  }
  const times: (string[] | undefined)[] = [];
  for (const [column, { view }] of read.plan.columns.entries()) {
    times[view] ??= viewTimes(batch, view);
    results.push(featureText(read, batch, column, times[view], counts));
  }
  const viewMetadata = options.viewMetadata ? `,"feature_view_metadata":${read.viewMetadata}` : "";
  const metadata = `{"feature_names":[${(names + read.featureNames).slice(1)}],"degraded":${batch.degraded}${viewMetadata}}`;
  return `{"results":[${results.join(",")}],"metadata":${metadata}}`;
}

function featureText(
  read: CompiledRead,
  batch: FeatureBatch,
  column: number,
  times: readonly string[],
  counts: StatusCounts,
): string {
  const rows = batch.rowCount;
  const view = read.plan.columns[column]?.view as number;
  const writer = read.writers[column] as (typeof read.writers)[number];
  const values = new Array<string>(rows);
  const statuses = new Array<string>(rows);
  const timestamps = new Array<string>(rows);
  for (let row = 0; row < rows; row++) {
    const status = batch.status(row, column);
    counts.add(view, status);
    statuses[row] = STATUS_TEXTS[status] as string;
    values[row] = writer(batch.value(row, column));
    // What was not found has no time of its own: a deleted row must look the same whether or not the store still keeps its tombstone.
    timestamps[row] = status === FieldStatus.NOT_FOUND ? EPOCH : (times[row] as string);
  }
  return resultText(values, statuses, timestamps);
}

function viewTimes(batch: FeatureBatch, view: number): string[] {
  const times = new Array<string>(batch.rowCount);
  let last: number | undefined;
  let text = EPOCH;
  for (let row = 0; row < batch.rowCount; row++) {
    const micros = batch.eventTime(row, view);
    // Rows that were loaded together share their time.
    if (micros !== last) text = micros === undefined ? EPOCH : `"${timeText(micros)}"`;
    last = micros;
    times[row] = text;
  }
  return times;
}

function resultText(
  values: readonly string[],
  statuses: readonly (string | undefined)[],
  times: readonly string[],
): string {
  return `{"values":[${values.join(",")}],"statuses":[${statuses.join(",")}],"event_timestamps":[${times.join(",")}]}`;
}
