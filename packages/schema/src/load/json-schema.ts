import type { TextForm } from "../schema-key.ts";

/** The parts of JSON Schema that our schema uses. */
export interface JsonSchema {
  readonly type?: "object" | "array" | "string" | "number" | "boolean" | "integer";
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly "x-form"?: TextForm;
}

/** The words that a section's `type` may have, where sections are told apart by it. */
export function typeWords(schema: JsonSchema): readonly string[] {
  return schema.properties?.["type"]?.enum ?? [];
}

/** A value with the schema's defaults filled in, and the defaults inside those. */
export function fillDefaults(schema: JsonSchema, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const [item] = Object.values(schema.patternProperties ?? {});
  const filled: Record<string, unknown> = Object.assign(Object.create(null), value);
  if (item !== undefined) {
    for (const [key, each] of Object.entries(filled)) filled[key] = fillDefaults(item, each);
    return filled;
  }
  const type = filled["type"];
  const section = schema.anyOf?.find((branch) => typeWords(branch).some((word) => word === type)) ?? schema;
  for (const [key, each] of Object.entries(section.properties ?? {})) {
    if (filled[key] === undefined && each.default !== undefined) filled[key] = fillDefaults(each, each.default);
  }
  return filled;
}
