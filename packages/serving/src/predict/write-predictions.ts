import { type FieldStatus, STATUS_NAMES } from "@larder/store-core";
import { numberText } from "../features/json-text.ts";
import type { OutputBinding } from "../model/bind-output.ts";
import type { TensorData } from "../model/model-runner.ts";
import type { Predictions, Predictor } from "./predictor.ts";
import type { RowInputs } from "./row-inputs.ts";

/** In the place of a status: the value came with the request instead of from the store. */
const OVERRIDDEN = "OVERRIDDEN";

/** The answer to `{"entity_rows": […]}` as JSON text. */
export function writePredictions(
  predictor: Predictor,
  predictions: Predictions,
  inputs: RowInputs,
  degraded: boolean,
): string {
  const { definition, version, checksum, outputs } = predictor.model;
  const names = outputs.map(memberName);
  const rows = new Array<string>(predictions.rowCount);
  for (let row = 0; row < rows.length; row++) {
    rows[row] = predictions.places[row] === -1 ? "null" : `{${membersText(outputs, names, predictions, row)}}`;
  }
  const metadata = [
    `"model":${JSON.stringify(definition.name)}`,
    `"version":"${version}"`,
    `"checksum":"${checksum}"`,
    `"feature_service":${JSON.stringify(definition.featureService.name)}`,
    `"degraded":${degraded}`,
    `"feature_status":[${statusTexts(predictor, predictions, inputs).join(",")}]`,
  ];
  return `{"predictions":[${rows.join(",")}]${errorsText(predictions)},"metadata":{${metadata.join(",")}}}`;
}

/** The answer to one flat row as JSON text; with overrides it says of which features. */
export function writeFlatPrediction(predictor: Predictor, predictions: Predictions, inputs: RowInputs): string {
  const { outputs } = predictor.model;
  const members = membersText(outputs, outputs.map(memberName), predictions, 0);
  const statuses =
    inputs.overrides.size === 0 ? "" : `,"feature_status":${statusTexts(predictor, predictions, inputs)[0]}`;
  return `{${members}${errorsText(predictions)}${statuses}}`;
}

function memberName({ prediction }: OutputBinding): string {
  return `${JSON.stringify(prediction.name)}:`;
}

function membersText(
  bindings: readonly OutputBinding[],
  names: readonly string[],
  { places, outputs }: Predictions,
  row: number,
): string {
  const place = places[row] as number;
  let text = "";
  for (let i = 0; i < bindings.length; i++) {
    if (i > 0) text += ",";
    text += names[i];
    text += place === -1 ? "null" : predictionText(bindings[i] as OutputBinding, outputs[i] as TensorData, place);
  }
  return text;
}

function predictionText({ stride, index, width }: OutputBinding, data: TensorData, place: number): string {
  const from = place * stride + index;
  if (width === undefined) return elementText(data, from);
  let text = "[";
  for (let at = from; at < from + width; at++)
    text += at === from ? elementText(data, at) : `,${elementText(data, at)}`;
  return `${text}]`;
}

function elementText(data: TensorData, at: number): string {
  const value = data[at];
  if (typeof value === "number") return data instanceof Uint8Array ? String(value !== 0) : numberText(value);
  return typeof value === "bigint" ? `${value}` : JSON.stringify(value);
}

function errorsText({ errors }: Predictions): string {
  return errors.length === 0 ? "" : `,"errors":${JSON.stringify(errors)}`;
}

/** One object per row; `missing` is in row order. */
function statusTexts(
  { rules, model }: Predictor,
  { rowCount, missing }: Predictions,
  { overrides }: RowInputs,
): string[] {
  const members = new Array<string>(rowCount).fill("");
  if (missing.length === 0 && overrides.size === 0) return members.fill("{}");
  const add = (row: number, column: number, word: string): void => {
    const text = `${JSON.stringify(rules[column]?.feature)}:"${word}"`;
    members[row] = members[row] === "" ? text : `${members[row]},${text}`;
  };
  const columns = model.plan.columns.length;
  for (const { row, column, status } of missing) {
    if (!overrides.has(row * columns + column)) add(row, column, STATUS_NAMES[status as FieldStatus]);
  }
  for (const cell of overrides.keys()) add(Math.floor(cell / columns), cell % columns, OVERRIDDEN);
  return members.map((text) => `{${text}}`);
}
