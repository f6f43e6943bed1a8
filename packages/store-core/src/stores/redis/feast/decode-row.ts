import type { FeatureValue } from "@larder/schema";
import type { RowSlices } from "../../../row-store.ts";
import { NOT_A_HASH } from "../gather-cells.ts";
import type { FeastFeature } from "./field-names.ts";
import { decodeTimestamp } from "./timestamp-codec.ts";
import { BROKEN, decodeValue, OTHER_KIND } from "./value-codec.ts";

/** What a hash says of one view's row. */
export interface FeastRow {
  readonly eventTime: number;
  /** By feature in the order asked for; undefined where the row has none, or one of another type. */
  readonly values: readonly (FeatureValue | undefined)[];
  /** Names of the features that the row has under another type. */
  readonly retyped: readonly string[];
}

/** What there is instead of a row: no event time, or bytes that Feast does not write. */
export const NO_ROW = Symbol("no row");
export const BROKEN_ROW = Symbol("a broken row");

/** Decodes the cell of an event time and the cells of features, given by their offset from `at`. Any bytes will do. */
export function decodeFeastRow(
  { buffers, offsets, lengths }: RowSlices,
  timeCell: number,
  features: readonly FeastFeature[],
  featureCells: number,
): FeastRow | typeof NO_ROW | typeof BROKEN_ROW {
  const timeLength = lengths[timeCell] as number;
  if (timeLength < 0) return NO_ROW;
  if (buffers[timeCell] === NOT_A_HASH) return BROKEN_ROW;
  const timeAt = offsets[timeCell] as number;
  const eventTime = decodeTimestamp(buffers[timeCell] as Buffer, timeAt, timeAt + timeLength);
  if (eventTime === undefined) return BROKEN_ROW;
  const values: (FeatureValue | undefined)[] = new Array(features.length).fill(undefined);
  let retyped: string[] = NONE;
  for (let i = 0; i < features.length; i++) {
    const cell = featureCells + i;
    const length = lengths[cell] as number;
    if (length < 0) continue;
    const { kind, name } = features[i] as FeastFeature;
    const start = offsets[cell] as number;
    const value = decodeValue(kind, buffers[cell] as Buffer, start, start + length);
    if (value === BROKEN) return BROKEN_ROW;
    if (value === OTHER_KIND) retyped = [...retyped, name];
    else values[i] = value;
  }
  return { eventTime, values, retyped };
}

const NONE: string[] = [];
