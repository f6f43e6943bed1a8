import {
  type FeatureValue,
  SERVED_LOG_FORMAT,
  type ServedLogDescription,
  type ServedLogFeature,
  type ValueType,
} from "@larder/schema";
import { type FieldStatus, STATUS_NAMES } from "@larder/store-core";
import type { Predictor } from "../predict/predictor.ts";
import { type PredictionValue, type ServedColumn, type ServedRows, servedColumns } from "../predict/served-rows.ts";

/** The type of a column: a value type, or an instant in microseconds. */
export type LogType = ValueType | "micros";

/** One column of a file. */
export interface LogColumn {
  readonly name: string;
  readonly type: LogType;
}

/** A value of a row; bigint for int64, unix_timestamp (seconds) and micros. */
export type LogValue = FeatureValue;

/** The columns of the files that hold what a model was given and said. Versions of equal shape share files. */
export interface LogShape {
  /** Equal shapes have equal ones. */
  readonly id: string;
  readonly description: ServedLogDescription;
  readonly columns: readonly LogColumn[];
  /** What `served-rows.ts` calls the columns. */
  readonly served: readonly ServedColumn[];
}

/** What a row has that its vector has not. */
export interface LogRowFacts {
  /** Microseconds. */
  readonly servedAt: number;
  readonly tenant: string;
  readonly version: string;
  readonly checksum: string;
  readonly requestId: string;
  readonly degraded: boolean;
  /** Why there is no prediction. */
  readonly error: string | undefined;
  /** In the order of the description. */
  readonly joinKeys: readonly LogValue[];
}

/** Compiles the shape of a model's files. */
export function createLogShape(predictor: Predictor): LogShape {
  const { model } = predictor;
  const { definition, plan } = model;
  const columns: LogColumn[] = [...HEAD];
  const taken = new Set(columns.map(({ name }) => name));
  const add = (wanted: string, type: LogType): string => {
    // Readers of Parquet that ignore case must not take one column for another.
    let name = wanted;
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${wanted}.${n}`;
    taken.add(name.toLowerCase());
    columns.push({ name, type });
    return name;
  };
  const joinKeys = plan.joinKeys.map(({ name, type }) => ({ name, type, column: add(`entity.${name}`, type) }));
  const served = servedColumns(predictor);
  const features = served.map(({ kind, name, type }, i): ServedLogFeature => {
    if (kind === "request") return { kind, name, type, value: add(`request:${name}`, type) };
    const { ref } = plan.columns[i] as (typeof plan.columns)[number];
    const mapped = ref.view.joinKeys.map((key) => [key.name, ref.joinKeyMap.get(key.name) ?? key.name]);
    return {
      kind,
      name,
      type,
      view: ref.view.name,
      feature: ref.feature.name,
      join_keys: Object.fromEntries(mapped),
      value: add(name, type),
      status: add(`${name}.status`, "string"),
      age: add(`${name}.age_us`, "int64"),
      overridden: add(`${name}.overridden`, "bool"),
    };
  });
  const predictions = model.outputs.map(({ prediction, width }) => {
    const found = model.runner.outputs.find(({ name }) => name === prediction.output)?.type;
    const scalar = OUTPUT_TYPES[found ?? ""] ?? "float64";
    const type: ValueType = width === undefined ? scalar : `list<${scalar}>`;
    return { name: prediction.name, type, column: add(`prediction.${prediction.name}`, type) };
  });
  const description: ServedLogDescription = {
    format: SERVED_LOG_FORMAT,
    project: plan.project,
    model: definition.name,
    feature_service: definition.featureService.name,
    join_keys: joinKeys,
    features,
    predictions,
  };
  return { id: JSON.stringify(description), description, columns, served };
}

/** The values of one row, in the order of `shape.columns`. They are copies: nothing of the request is held on to. */
export function logRow(shape: LogShape, rows: ServedRows, row: number, facts: LogRowFacts): LogValue[] {
  const { servedAt, tenant, version, checksum, requestId, degraded, error, joinKeys } = facts;
  const values: LogValue[] = [
    BigInt(servedAt),
    tenant,
    shape.description.model,
    version,
    checksum,
    requestId,
    row,
    degraded,
    error ?? null,
    ...joinKeys,
  ];
  for (const [column, { kind }] of shape.served.entries()) {
    values.push(rows.value(row, column));
    if (kind === "request") continue;
    const age = rows.age(row, column);
    values.push(STATUS_NAMES[rows.status(row, column) as FieldStatus], age === undefined ? null : BigInt(age));
    values.push(rows.overridden(row, column));
  }
  const said = rows.predictions(row);
  for (const [i, { type }] of shape.description.predictions.entries()) values.push(predictionOf(said?.[i], type));
  return values;
}

const HEAD: readonly LogColumn[] = [
  { name: "served_at", type: "micros" },
  { name: "tenant", type: "string" },
  { name: "model", type: "string" },
  { name: "version", type: "string" },
  { name: "checksum", type: "string" },
  { name: "request_id", type: "string" },
  { name: "row", type: "int32" },
  { name: "degraded", type: "bool" },
  { name: "error", type: "string" },
];

/** By ONNX's word for an output's elements. */
const OUTPUT_TYPES = {
  float32: "float32",
  float64: "float64",
  int8: "int32",
  int16: "int32",
  int32: "int32",
  uint16: "int32",
  int64: "int64",
  uint32: "int64",
  bool: "bool",
  uint8: "bool",
  string: "string",
} as const satisfies Readonly<Record<string, ValueType>> as Readonly<
  Record<string, "float32" | "float64" | "int32" | "int64" | "bool" | "string" | undefined>
>;

function predictionOf(value: PredictionValue | undefined, type: ValueType): LogValue {
  if (value === undefined) return null;
  if (!type.endsWith("int64") && !type.endsWith("int64>")) return value;
  return Array.isArray(value) ? value.map(BigInt) : BigInt(value as number | bigint);
}
