import { stringifyJson } from "@larder/schema";
import { detailRefusal } from "./feast-refusal.ts";

/** What a field of a body holds. `columns` is a map of lists. */
export type FieldKind = "text" | "flag" | "texts" | "map" | "columns";

/** A field of a body; one that is neither `required` nor given is undefined. */
export interface FieldSpec {
  readonly kind: FieldKind;
  readonly required?: boolean;
  /** null counts as not given. */
  readonly nullable?: boolean;
}

/** What a checked field holds. */
interface FieldTypes {
  readonly text: string;
  readonly flag: boolean;
  readonly texts: readonly string[];
  readonly map: Readonly<Record<string, unknown>>;
  readonly columns: Record<string, unknown[]>;
}

type Checked<Specs extends Readonly<Record<string, FieldSpec>>> = {
  readonly [Name in keyof Specs]: Specs[Name] extends { readonly required: true }
    ? FieldTypes[Specs[Name]["kind"]]
    : FieldTypes[Specs[Name]["kind"]] | undefined;
};

/**
 * Judges a body as FastAPI judges it for Feast: unknown fields pass, texts such as "yes" are flags, and every fault is listed.
 * @throws FeastRefusal 422 with FastAPI's `detail`
 */
export function checkFields<const Specs extends Readonly<Record<string, FieldSpec>>>(
  body: unknown,
  specs: Specs,
): Checked<Specs> {
  if (body === undefined) throw refusal([fault("missing", ["body"], "Field required", null)]);
  if (!isMap(body)) {
    const message = "Input should be a valid dictionary or object to extract fields from";
    throw refusal([fault("model_attributes_type", ["body"], message, body)]);
  }
  const faults: string[] = [];
  const checked: Record<string, unknown> = {};
  for (const [name, { kind, required, nullable }] of Object.entries(specs)) {
    const value = Object.hasOwn(body, name) ? body[name] : undefined;
    if (value === undefined) {
      if (required === true) faults.push(fault("missing", ["body", name], "Field required", body));
    } else if (value !== null || nullable !== true) {
      checked[name] = CHECKS[kind](value, ["body", name], faults);
    }
  }
  if (faults.length > 0) throw refusal(faults);
  // Each value has just been checked against its kind.
  return checked as Checked<Specs>;
}

/** A flag of a query, as FastAPI reads it. @throws FeastRefusal 422 */
export function queryBoolean(query: unknown, name: string): boolean {
  const value = (query as Readonly<Record<string, unknown>>)[name];
  if (value === undefined) return false;
  const faults: string[] = [];
  const flag = checkFlag(Array.isArray(value) ? value.at(-1) : value, ["query", name], faults);
  if (faults.length > 0) throw refusal(faults);
  return flag;
}

type Place = readonly (string | number)[];

const CHECKS: { readonly [Kind in FieldKind]: (value: unknown, place: Place, faults: string[]) => unknown } = {
  text: checkText,
  flag: checkFlag,
  texts: (value, place, faults) => {
    if (!Array.isArray(value)) return void faults.push(listFault(value, place));
    value.forEach((text, i) => void checkText(text, [...place, i], faults));
    return value;
  },
  map: (value, place, faults) => {
    if (!isMap(value)) faults.push(mapFault(value, place));
    return value;
  },
  columns: (value, place, faults) => {
    if (!isMap(value)) return void faults.push(mapFault(value, place));
    for (const [name, column] of Object.entries(value)) {
      if (!Array.isArray(column)) faults.push(listFault(column, [...place, name]));
    }
    return value;
  },
};

function checkText(value: unknown, place: Place, faults: string[]): unknown {
  if (typeof value !== "string") faults.push(fault("string_type", place, "Input should be a valid string", value));
  return value;
}

const TRUE = new Set(["1", "true", "t", "yes", "y", "on"]);
const FALSE = new Set(["0", "false", "f", "no", "n", "off"]);

function checkFlag(value: unknown, place: Place, faults: string[]): boolean {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string" && typeof value !== "number") {
    faults.push(fault("bool_type", place, "Input should be a valid boolean", value));
    return false;
  }
  const text = String(value).toLowerCase();
  if (!TRUE.has(text) && !FALSE.has(text)) {
    faults.push(fault("bool_parsing", place, "Input should be a valid boolean, unable to interpret input", value));
  }
  return TRUE.has(text);
}

function listFault(value: unknown, place: Place): string {
  return fault("list_type", place, "Input should be a valid list", value);
}

function mapFault(value: unknown, place: Place): string {
  return fault("dict_type", place, "Input should be a valid dictionary", value);
}

function fault(type: string, place: Place, message: string, input: unknown): string {
  return `{"type":"${type}","loc":${JSON.stringify(place)},"msg":"${message}","input":${stringifyJson(input)}}`;
}

function refusal(faults: readonly string[]) {
  return detailRefusal("INVALID_REQUEST", 422, `[${faults.join(",")}]`);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
