import { FeatureStoreFile } from "../src/definition-schema.ts";
import { type JsonSchema, typeWords } from "../src/load/json-schema.ts";

/** Marks in docs/feature_store.md between which the tables stand. */
const BEGIN = "<!-- The tables from here on are written by `pnpm --filter @larder/schema schema`. -->";
const END = "<!-- End of the written tables. -->";

/** The page with its tables replaced by those of the schema. */
export function withReference(page: string): string {
  const [before, rest = ""] = page.split(BEGIN);
  const [, after = "\n"] = rest.split(END);
  return `${before}${BEGIN}\n\n${reference()}\n${END}${after}`;
}

/** One table per map of the file: key, type, default, meaning. */
export function reference(): string {
  return sectionsOf(FeatureStoreFile as JsonSchema, "")
    .map(({ path, schema }) => tableOf(path, schema))
    .join("\n");
}

interface Section {
  readonly path: string;
  readonly schema: JsonSchema;
}

/** Keys that everything may have: told once, in the page's text. */
const EVERYWHERE = ["description", "owner", "tags"];

function sectionsOf(schema: JsonSchema, path: string): readonly Section[] {
  const branches = schema.anyOf ?? [];
  if (branches.length > 0) {
    // One map or a list of the same: told once.
    const told = branches.filter(({ items }) => !branches.some((each) => sameKeys(each, items)));
    return told.flatMap((branch) => {
      const [word] = typeWords(branch);
      return sectionsOf(branch, word === undefined ? path : `${path}, type: ${word}`);
    });
  }
  const item = schema.items ?? Object.values(schema.patternProperties ?? {})[0];
  if (item !== undefined) return sectionsOf(item, schema.items === undefined ? `${path}.<name>` : `${path}[]`);
  if (schema.properties === undefined) return [];
  const inner = keysOf(schema).flatMap(([key, each]) => sectionsOf(each, path === "" ? key : `${path}.${key}`));
  return [{ path, schema }, ...inner];
}

function sameKeys({ properties }: JsonSchema, other: JsonSchema | undefined): boolean {
  return properties !== undefined && JSON.stringify(properties) === JSON.stringify(other?.properties);
}

function keysOf(schema: JsonSchema): readonly (readonly [string, JsonSchema])[] {
  return Object.entries(schema.properties ?? {}).filter(([key]) => !EVERYWHERE.includes(key));
}

function tableOf(path: string, schema: JsonSchema): string {
  const rows = keysOf(schema).map(
    ([key, each]) => `| \`${key}\` | ${typeOf(each)} | ${defaultOf(schema, key, each)} | ${each.description ?? ""} |`,
  );
  const heading = path === "" ? "### The file" : `### \`${path}\``;
  return [heading, "", "| key | type | default | meaning |", "|---|---|---|---|", ...rows, ""].join("\n");
}

const FORMS: Readonly<Record<string, string>> = {
  project: "text",
  name: "name",
  reference: "`view:feature`",
  input: "`view:feature` or request feature",
  record_field: "part of a record",
  duration: "duration",
  limit: "duration",
  online_ttl: "duration or `none`",
  size: "size",
  value: "value of the feature's type",
};

function typeOf(schema: JsonSchema): string {
  if (schema["x-form"] !== undefined) return FORMS[schema["x-form"]] ?? "";
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${word}\``).join(" ");
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(", or ");
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
  if (schema.patternProperties !== undefined)
    return `map of ${Object.values(schema.patternProperties).map(typeOf).join()}`;
  if (schema.properties !== undefined) return "map";
  if (schema.type === "boolean") return "`true` or `false`";
  return schema.type === "integer" ? "whole number" : schema.type === "number" ? "number" : "text";
}

function defaultOf(section: JsonSchema, key: string, schema: JsonSchema & { readonly "x-default"?: string }): string {
  if (section.required?.includes(key) === true) return "required";
  return schema["x-default"] ?? `\`${JSON.stringify(schema.default)}\``;
}
