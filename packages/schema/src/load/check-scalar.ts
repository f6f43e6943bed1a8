import { Fault, show } from "../fault.ts";
import type { YamlScalar } from "../yaml/placed-node.ts";
import type { JsonSchema } from "./json-schema.ts";
import { nearest, suggest } from "./nearest.ts";
import { notBuiltFault } from "./not-built.ts";
import { checkForm, FORM_KINDS, notText } from "./text-forms.ts";

/** Checks a scalar at `path` against the schema of a scalar. */
export function checkScalar(schema: JsonSchema, value: YamlScalar, path: string): Fault | undefined {
  const form = schema["x-form"];
  if (form !== undefined) return checkForm(form, value, new RegExp(schema.pattern ?? ""));
  if (schema.enum !== undefined) return checkWord(schema.enum, value, path);
  if (schema.type === "integer" || schema.type === "number") return checkNumber(schema, value);
  if (schema.type === "boolean") return checkBoolean(value);
  if (typeof value !== "string") return notText(value);
  if (!value.isWellFormed()) return new Fault("holds half of a surrogate pair", "Use well-formed Unicode");
  return value.length < (schema.minLength ?? 0) ? notText(null) : undefined;
}

/** What a schema asks for, in a message. */
export function kindOf(schema: JsonSchema): string {
  const form = schema["x-form"];
  if (form !== undefined) return FORM_KINDS[form];
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(kindOf))].join(" or ");
  if (schema.enum !== undefined)
    return schema.enum.length === 1 ? `${schema.enum[0]}` : `one of ${schema.enum.join(", ")}`;
  if (schema.type === "array") return "a list";
  if (schema.type === "object") return "a map";
  if (schema.type === "integer") return "a whole number";
  if (schema.type === "boolean") return "true or false";
  return schema.type === "number" ? "a number" : "text";
}

function checkWord(words: readonly string[], value: YamlScalar, path: string): Fault | undefined {
  if (typeof value === "string" && words.includes(value)) return undefined;
  if (value === null) return new Fault("is empty", suggest("", words, ""));
  const planned = nearest(String(value), words) === undefined ? notBuiltFault(path, show(value)) : undefined;
  return planned ?? new Fault(`is ${show(value)}, which it does not take`, suggest(String(value), words, ""));
}

function checkBoolean(value: YamlScalar): Fault | undefined {
  if (typeof value === "boolean") return undefined;
  return new Fault(value === null ? "is empty" : `is ${show(value)}, not true or false`, "Write true or false");
}

function checkNumber(schema: JsonSchema, value: YamlScalar): Fault | undefined {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity } = schema;
  const whole = schema.type === "integer";
  const remedy = `Write ${kindOf(schema)}${rangeOf(schema)}`;
  if (value === null) return new Fault("is empty", remedy);
  if (typeof value !== "number" || !Number.isFinite(value) || (whole && !Number.isInteger(value))) {
    return new Fault(`is ${show(value)}, not ${kindOf(schema)}`, remedy);
  }
  if (value >= minimum && value <= maximum && value > exclusiveMinimum) return undefined;
  return new Fault(`is ${show(value)}, out of range`, remedy);
}

function rangeOf({ minimum, maximum, exclusiveMinimum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  return exclusiveMinimum === undefined ? "" : ` above ${exclusiveMinimum}`;
}
