import { LarderError } from "@larder/schema";
import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import type { TLocalizedValidationError } from "typebox/error";
import { emptyBody } from "./json-body.ts";

/** Judges a request's body against its schema, without changing it. */
export type BodyCheck<T> = (body: unknown) => T;

/**
 * Compiles a schema of the contract into a check.
 * @throws (the check) MALFORMED_REQUEST where there is no body, INVALID_REQUEST naming the first field at fault
 */
export function compileBodyCheck<Schema extends TSchema>(schema: Schema): BodyCheck<Static<Schema>> {
  const compiled = Compile(schema);
  return (body) => {
    if (compiled.Check(body)) return body as Static<Schema>;
    if (body === undefined) throw emptyBody();
    const [first] = compiled.Errors(body);
    throw first === undefined ? wrong("body", "does not fit the contract", "See /openapi.json") : describe(first);
  };
}

function describe(error: TLocalizedValidationError): LarderError {
  const field = fieldName(error.instancePath);
  const remedy = "See /openapi.json for the request's schema";
  switch (error.keyword) {
    case "required":
      return wrong(inside(field, error.params.requiredProperties[0]), "is missing", remedy);
    case "additionalProperties":
      return wrong(inside(field, error.params.additionalProperties[0]), "is not known here", "Leave it out");
    case "type":
      return wrong(field, `is not ${TYPE_NAMES[String(error.params.type)] ?? error.params.type}`, remedy);
    case "minItems":
    case "minLength":
      return wrong(field, "is empty", "Give at least one");
    case "enum":
      return wrong(field, "is not a value that is known here", `Use one of: ${error.params.allowedValues.join(", ")}`);
    default:
      return wrong(field, error.message, remedy);
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  object: "an object",
  array: "a list",
  string: "a string",
  boolean: "true or false",
  number: "a number",
};

function wrong(field: string, what: string, remedy: string): LarderError {
  return new LarderError("INVALID_REQUEST", { what: `"${field}" ${what}`, remedy, facts: { field } });
}

/** A JSON pointer as people write paths: `/entities/a~1b/0` is `entities.a/b.0`. */
function fieldName(pointer: string): string {
  if (pointer === "") return "body";
  const path = pointer
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return clip(path.join("."));
}

function inside(field: string, name: string | undefined): string {
  return clip(field === "body" ? String(name) : `${field}.${name}`);
}

function clip(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
