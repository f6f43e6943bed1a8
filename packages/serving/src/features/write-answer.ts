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
    results.push(resultText(values, repeated(PRESENT, values.length), repeated(EPOCH, values.length)));
  }
  const views: (ViewTexts | undefined)[] = [];
  for (const [column, { view }] of read.plan.columns.entries()) {
    views[view] ??= viewTexts(read, batch, view);
    const text = featureText(read, batch, column, views[view], counts);
    results.push(agesAt === undefined ? text : `${text.slice(0, -1)},${agesText(batch, column, view, agesAt)}}`);
  }
  const degraded = read.strict ? "" : `,"degraded":${batch.degraded}`;
  const versions = viewMetadata ? `,"feature_view_metadata":${read.viewMetadata}` : "";
  const metadata = `{"feature_names":[${(names + read.featureNames).slice(1)}]${degraded}${versions}}`;
  return `{"results":[${results.join(",")}],"metadata":${metadata}}`;
}

/** What the columns of one view have in common. */
interface ViewTexts {
  /** Of each row. */
  readonly times: readonly string[];
  /** Statuses and times of every column where all are PRESENT, as they usually are; undefined where one may not be. */
  readonly whole: { readonly statuses: string; readonly times: string } | undefined;
}

function viewTexts({ statusTexts }: CompiledRead, batch: FeatureBatch, view: number): ViewTexts {
  const times = viewTimes(batch, view);
  for (let row = 0; row < batch.rowCount; row++) if (!batch.isWhole(row, view)) return { times, whole: undefined };
  const statuses = repeated(statusTexts[FieldStatus.PRESENT] as string, batch.rowCount);
  return { times, whole: { statuses, times: times.join(",") } };
}

function featureText(
  read: CompiledRead,
  batch: FeatureBatch,
  column: number,
  { times, whole }: ViewTexts,
  counts: StatusCounts,
): string {
  const rows = batch.rowCount;
  const view = read.plan.columns[column]?.view as number;
  const writer = read.writers[column] as (typeof read.writers)[number];
  const values = new Array<string>(rows);
  for (let row = 0; row < rows; row++) values[row] = writer(batch.value(row, column));
  if (whole !== undefined) {
    counts.add(view, FieldStatus.PRESENT, rows);
    return resultText(values, whole.statuses, whole.times);
  }
  const statuses = new Array<string>(rows);
  const timestamps = new Array<string>(rows);
  for (let row = 0; row < rows; row++) {
    const status = batch.status(row, column);
    counts.add(view, status);
    statuses[row] = read.statusTexts[status] as string;
    // What was not found has no time of its own: a deleted row must look the same whether or not the store still keeps its tombstone.
    timestamps[row] = status === FieldStatus.NOT_FOUND ? EPOCH : (times[row] as string);
  }
  return resultText(values, statuses.join(","), timestamps.join(","));
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

function resultText(values: readonly string[], statuses: string, times: string): string {
  return `{"values":[${values.join(",")}],"statuses":[${statuses}],"event_timestamps":[${times}]}`;
}

/** A text so many times, with commas. */
function repeated(text: string, times: number): string {
  return times === 0 ? "" : text + `,${text}`.repeat(times - 1);
}
