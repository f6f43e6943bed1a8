import { readFileSync } from "node:fs";
import type { FeatureValue, ScalarType, ScalarValue, ValueType } from "@larder/schema";

/** What the golden file says of a value: JSON, with big integers and non-finite floats as text, bytes as hex, times as text. */
export type GoldenValue = null | boolean | number | string | { readonly hex: string } | readonly GoldenValue[];

/** The parts of golden/vectors.json that tests read. */
export interface Vectors {
  readonly values: readonly {
    readonly type: string;
    readonly input?: GoldenValue;
    readonly hex?: string;
    readonly sdk_decoded?: GoldenValue;
  }[];
  readonly fields: readonly {
    readonly view: string;
    readonly feature: string;
    readonly u32: number;
    readonly hex: string;
  }[];
  readonly ts_fields: readonly { readonly view: string; readonly hex: string }[];
  readonly timestamps: readonly { readonly seconds: number; readonly nanos: number; readonly hex: string }[];
  readonly entity_keys: readonly {
    readonly join_keys: readonly string[];
    readonly values: readonly { readonly which: string | null; readonly value: GoldenValue }[];
    readonly redis_key_v3?: string;
    readonly redis_key_v2?: string;
    readonly project?: string;
  }[];
  readonly written_by_sdk: readonly SdkRow[];
}

/** A row that the SDK wrote, and the hash it became. */
export interface SdkRow {
  readonly version: 2 | 3;
  readonly entity_type: string;
  readonly project: string;
  readonly view: string;
  readonly event_timestamp: string;
  readonly key_hex: string;
  /** What the SDK reads back: a list of one value per column. */
  readonly sdk_to_dict: Readonly<Record<string, readonly GoldenValue[]>>;
  /** A row of nothing but nulls is not written. */
  readonly not_written?: true;
  readonly hgetall: readonly { readonly field_hex: string; readonly value_hex: string }[];
}

export const VECTORS = JSON.parse(readFileSync(new URL("golden/vectors.json", import.meta.url), "utf8")) as Vectors;

const TYPES: Readonly<Record<string, ScalarType>> = {
  INT32: "int32",
  INT64: "int64",
  FLOAT: "float32",
  DOUBLE: "float64",
  BOOL: "bool",
  STRING: "string",
  BYTES: "bytes",
  UNIX_TIMESTAMP: "unix_timestamp",
};

/** Larder's type for one of Feast's; undefined for those it does not have. */
export function typeOf(feast: string): ValueType | undefined {
  const list = feast.endsWith("_LIST");
  const scalar = TYPES[list ? feast.slice(0, -5) : feast];
  return scalar === undefined || !list ? scalar : `list<${scalar}>`;
}

/** A golden value as Larder holds it. A null inside a list is what Feast makes of it: the type's zero. */
export function valueOfGolden(type: ValueType, golden: GoldenValue): FeatureValue {
  if (golden === null) return null;
  if (!type.startsWith("list<")) return scalarOfGolden(type as ScalarType, golden);
  return (golden as readonly GoldenValue[]).map((item) => scalarOfGolden(type.slice(5, -1) as ScalarType, item));
}

function scalarOfGolden(type: ScalarType, golden: GoldenValue): ScalarValue {
  switch (type) {
    case "int64":
      return BigInt(golden as string | number);
    case "unix_timestamp":
      return BigInt(typeof golden === "string" ? Math.floor(Date.parse(golden) / 1000) : (golden as number));
    case "bytes":
      return Uint8Array.from(Buffer.from((golden as { hex: string }).hex, "hex"));
    case "float32":
      return Math.fround(Number(golden));
    case "float64":
    case "int32":
      return Number(golden);
    case "bool":
    case "string":
      return golden as boolean | string;
  }
}
