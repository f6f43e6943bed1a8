import { type FieldStatus, STATUS_NAMES } from "@larder/store-core";
import { numberText } from "../features/json-text.ts";
import type { Predictions, Predictor } from "./predictor.ts";

/** The answer to `{"entity_rows": […]}` as JSON text. */
export function writePredictions(predictor: Predictor, predictions: Predictions, degraded: boolean): string {
  const { definition, version, checksum } = predictor.model;
  const name = JSON.stringify(definition.prediction.name);
  const rows = new Array<string>(predictions.rowCount);
  for (let row = 0; row < rows.length; row++) {
    rows[row] = predictions.at[row] === -1 ? "null" : `{${name}:${predictionText(predictions, row)}}`;
  }
  const metadata = [
    `"model":${JSON.stringify(definition.name)}`,
    `"version":"${version}"`,
    `"checksum":"${checksum}"`,
    `"feature_service":${JSON.stringify(definition.featureService.name)}`,
    `"degraded":${degraded}`,
    `"feature_status":[${statusTexts(predictor, predictions).join(",")}]`,
  ];
  return `{"predictions":[${rows.join(",")}]${errorsText(predictions)},"metadata":{${metadata.join(",")}}}`;
}

/** The answer to one flat row as JSON text. */
export function writeFlatPrediction(predictor: Predictor, predictions: Predictions): string {
  const name = JSON.stringify(predictor.model.definition.prediction.name);
  return `{${name}:${predictionText(predictions, 0)}${errorsText(predictions)}}`;
}

function predictionText({ at, data }: Predictions, row: number): string {
  const place = at[row] as number;
  const value = place === -1 ? undefined : data[place];
  if (value === undefined) return "null";
  if (typeof value === "number") return data instanceof Uint8Array ? String(value !== 0) : numberText(value);
  return typeof value === "bigint" ? `${value}` : JSON.stringify(value);
}

function errorsText({ errors }: Predictions): string {
  return errors.length === 0 ? "" : `,"errors":${JSON.stringify(errors)}`;
}

/** One object per row; `missing` is in row order. */
function statusTexts({ rules }: Predictor, { rowCount, missing }: Predictions): string[] {
  const texts = new Array<string>(rowCount).fill("{}");
  let at = 0;
  while (at < missing.length) {
    const row = missing[at]?.row as number;
    const members: string[] = [];
    for (; at < missing.length && missing[at]?.row === row; at++) {
      const { column, status } = missing[at] as { column: number; status: FieldStatus };
      members.push(`${JSON.stringify(rules[column]?.feature)}:"${STATUS_NAMES[status]}"`);
    }
    texts[row] = `{${members.join(",")}}`;
  }
  return texts;
}
