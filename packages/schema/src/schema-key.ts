import { type TOptional, type TProperties, type TSchema, Type } from "typebox";
import { DURATION_PATTERN } from "./duration.ts";
import { SIZE_PATTERN } from "./size.ts";

/** Text with rules that JSON Schema alone cannot state or explain; see load/text-forms.ts. Published as `x-form`. */
export type TextForm =
  | "project"
  | "name"
  | "reference"
  | "input"
  | "record_field"
  | "duration"
  | "limit"
  | "online_ttl"
  | "size"
  | "value";

/** What a default may be. */
type Literal = string | number | boolean | readonly Literal[] | { readonly [key: string]: Literal };

/** A key that the file must have. */
export function required<T extends TSchema>(schema: T, description: string): T {
  return Type.With(schema, { description }) as TSchema as T;
}

/** A key with a default. Its static type is the one after loading, when the default, and the defaults inside it, are filled in. */
export function withDefault<T extends TSchema>(schema: T, description: string, value: Literal): T {
  return Type.Optional(Type.With(schema, { description, default: value })) as TSchema as T;
}

/** A key without a literal default; `otherwise` says what holds without it. Published as `x-default`. */
export function optional<T extends TSchema>(schema: T, description: string, otherwise: string): TOptional<T> {
  return Type.Optional(Type.With(schema, { description, "x-default": otherwise })) as TSchema as TOptional<T>;
}

/** A map with fixed keys: those given, and the three that everything may have. Unknown keys are errors. */
export function section<T extends TProperties>(keys: T, description?: string) {
  return Type.Object(
    { ...keys, ...DESCRIBED },
    { additionalProperties: false, ...(description === undefined ? {} : { description }) },
  );
}

/** A map whose keys are names that the file's author chooses. */
export function mapOf<T extends TSchema>(value: T) {
  return Type.Record(Type.String(), value);
}

/** A list with at least `minItems` elements. */
export function listOf<T extends TSchema>(item: T, minItems = 0) {
  return Type.Array(item, minItems === 0 ? {} : { minItems });
}

/** One of a few words. */
export function oneOf<const T extends string[]>(...words: [...T]) {
  return Type.Enum(words);
}

/** Any text that is not empty. */
export const text = Type.String({ minLength: 1 });

/** The project: what Feast allows. */
export const projectName = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_-]*$", maxLength: 200, "x-form": "project" });

/** The name of a definition or column. */
export const definitionName = Type.String({
  pattern: "^[^\\s:\\u0000-\\u001f\\u007f]([^:\\u0000-\\u001f\\u007f]*[^\\s:\\u0000-\\u001f\\u007f])?$",
  maxLength: 200,
  "x-form": "name",
});

/** `view:feature`. */
export const reference = Type.String({ pattern: "^[^:]+:[^:]+$", "x-form": "reference" });

/** What feeds a model's input: `view:feature`, or the name of a request feature. */
export const inputFeature = Type.String({ pattern: "^[^:]+(:[^:]+)?$", "x-form": "input" });
/** Where a Kafka record has something: a field of its payload, or a part of the record before a colon. */
export const recordField = Type.String({
  pattern:
    "^(?:[^\\s:\\u0000-\\u001f\\u007f](?:[^:\\u0000-\\u001f\\u007f]*[^\\s:\\u0000-\\u001f\\u007f])?|header:[^\\u0000-\\u001f\\u007f]+|key:[^:\\u0000-\\u001f\\u007f]+|record:timestamp|envelope:(?:source\\.)?ts_(?:ms|us))$",
  maxLength: 200,
  "x-form": "record_field",
});

/** A duration of which 0 means none. */
export const duration = Type.Union([Type.String({ pattern: `${DURATION_PATTERN}|^0$` }), Type.Literal(0)], {
  "x-form": "duration",
});

/** A duration that bounds something, so never 0. */
export const limit = Type.String({ pattern: DURATION_PATTERN, "x-form": "limit" });

/** A duration, 0 or none. */
export const onlineTtl = Type.Union([Type.String({ pattern: `${DURATION_PATTERN}|^0$|^none$` }), Type.Literal(0)], {
  "x-form": "online_ttl",
});

/** A number of bytes, with or without a unit. */
export const size = Type.Union([Type.String({ pattern: SIZE_PATTERN }), Type.Integer({ minimum: 1 })], {
  "x-form": "size",
});

/** A feature's value. */
export const featureValue = Type.Union(
  [
    Type.String(),
    Type.Number(),
    Type.Boolean(),
    Type.Array(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
  ],
  { "x-form": "value" },
);

const DESCRIBED = {
  description: withDefault(Type.String(), "What this is, for people.", ""),
  owner: withDefault(Type.String(), "Who answers for this.", ""),
  tags: withDefault(mapOf(Type.String()), "Free labels.", {}),
};
