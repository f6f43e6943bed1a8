import type { Columns } from "@larder/contract";
import { type FeatureBatch, FieldStatus } from "@larder/store-core";
import type { StatusCounts } from "../metrics/status-counts.ts";
import type { CompiledRead } from "./compiled-read.ts";
import { keyTexts } from "./entity-columns.ts";
import { timeText } from "./time-text.ts";

/** Feast's event time of what has none. */
const EPOCH = '"1970-01-01T00:00:00Z"';

const PRESENT = '"PRESENT"';

/** What an answer has beside what was asked for. */
export interface AnswerOptions {
  readonly viewMetadata: boolean;
  /** Logical time in microseconds from which ages count: adds `ages` and `sources` to each feature's column. */
  readonly agesAt?: number | undefined;
}

/**
 * The answer of `/get-online-features` as JSON text, straight from the batch: entity columns in the request's order, then features in the
 * order asked for. Counts every status on the way.
 */
export function writeFeaturesAnswer(
  read: CompiledRead,
  entities: Columns,
  batch: FeatureBatch,
  counts: StatusCounts,
  { viewMetadata, agesAt }: AnswerOptions,
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
        values.map(() => PRESENT),
        values.map(() => EPOCH),
      ),
    );
  }
  const times: (string[] | undefined)[] = [];
  for (const [column, { view }] of read.plan.columns.entries()) {
    times[view] ??= viewTimes(batch, view);
    const text = featureText(read, batch, column, times[view], counts);
    results.push(agesAt === undefined ? text : `${text.slice(0, -1)},${agesText(batch, column, view, agesAt)}}`);
  }
  const degraded = read.strict ? "" : `,"degraded":${batch.degraded}`;
  const views = viewMetadata ? `,"feature_view_metadata":${read.viewMetadata}` : "";
  const metadata = `{"feature_names":[${(names + read.featureNames).slice(1)}]${degraded}${views}}`;
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
  const { statusTexts } = read;
  const view = read.plan.columns[column]?.view as number;
  const writer = read.writers[column] as (typeof read.writers)[number];
  const values = new Array<string>(rows);
  const statuses = new Array<string>(rows);
  const timestamps = new Array<string>(rows);
  for (let row = 0; row < rows; row++) {
    const status = batch.status(row, column);
    counts.add(view, status);
    statuses[row] = statusTexts[status] as string;
    values[row] = writer(batch.value(row, column));
    // What was not found has no time of its own: a deleted row must look the same whether or not the store still keeps its tombstone.
    timestamps[row] = status === FieldStatus.NOT_FOUND ? EPOCH : (times[row] as string);
  }
  return resultText(values, statuses, timestamps);
}

/** Seconds since the event time of each value's row, null where nothing was found, and where the row came from. */
function agesText(batch: FeatureBatch, column: number, view: number, now: number): string {
  const ages: string[] = [];
  const sources: string[] = [];
  for (let row = 0; row < batch.rowCount; row++) {
    const micros = batch.status(row, column) === FieldStatus.NOT_FOUND ? undefined : batch.eventTime(row, view);
    ages.push(micros === undefined ? "null" : `${(now - micros) / 1e6}`);
    sources.push(`"${batch.source(row, view)}"`);
  }
  return `"ages":[${ages.join(",")}],"sources":[${sources.join(",")}]`;
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
