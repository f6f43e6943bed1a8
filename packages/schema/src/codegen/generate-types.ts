import { basename } from "node:path";
import type { Definitions } from "../definitions.ts";
import {
  type ColumnShape,
  hashShapes,
  type ModelShape,
  type ServiceShape,
  type Shapes,
  shapesOf,
  type ViewShape,
} from "./shapes.ts";

/** How every generated file begins: `larder codegen` overwrites no other. */
export const GENERATED_MARK = "// Written by `larder codegen`";

/** Lines longer than this are broken, so that a formatter set to it has nothing to change. */
const LINE_WIDTH = 120;

/** Which file is written: types of the embedded API, or of the HTTP client. */
export type GeneratedKind = "store" | "client";

/**
 * The text of `larder.gen.ts`: a `FeatureStore` whose `open` answers a store typed for these definitions; or of `larder.client.gen.ts`, where it is
 * `createClient`. The same definitions give the same bytes, whatever their order and wherever their file is.
 */
export function generateTypes(definitions: Definitions, kind: GeneratedKind = "store"): string {
  const shapes = shapesOf(definitions);
  const source = `${comment(basename(definitions.file))} (project ${shapes.project})`;
  return `${kind === "store" ? storeHead(source) : clientHead(source)}
/** Names and value types of the definitions, as types: nothing of it is there at run time. */
export interface Schema {
${union("  readonly tenants", shapes.tenants)}
${map("  readonly views", shapes.views.map(viewLines))}
${map("  readonly services", shapes.services.map(serviceLines))}
${map("  readonly models", shapes.models.map(modelLines))}
}

${kind === "store" ? storeEntry(hashShapes(definitions)) : clientEntry(shapes)}

export type TenantName = Schema["tenants"];
export type ViewName = Typed.ViewName<Schema>;
/** \`view:feature\`. */
export type FeatureName = Typed.FeatureName<Schema>;
export type ServiceName = Typed.ServiceName<Schema>;
export type ModelName = Typed.ModelName<Schema>;

/** What a request must bring for a feature service: its join keys. */
export type EntityRow<Service extends ServiceName> = Typed.ServiceEntityRow<Schema, Service>;
/** What a feature service answers for one entity row; null where there is no value. */
export type FeatureVector<Service extends ServiceName, Int64 extends Int64Mode = "number"> = Typed.FeatureVector<
  Schema,
  Service,
  Int64
>;
/** A row as \`push\` takes it. */
export type PushRow<View extends ViewName> = Typed.PushRow<Schema, View>;
/** What a model's route takes and answers over HTTP. */
export type ModelRequest<Model extends ModelName> = Typed.ModelRequest<Schema, Model>;
export type ModelAnswer<Model extends ModelName> = Typed.ModelAnswer<Schema, Model>;
`;
}

function storeHead(source: string): string {
  return `${GENERATED_MARK} from ${source}. Do not edit.
// After a change of the definitions run \`larder codegen\` again. Until then \`larder codegen --check\` exits 1, and where a name or type has changed,
// \`open\` fails with CODEGEN_STALE.
import { generatedFeatureStore, type Int64Mode, type Typed, type TypedFeatureStore } from "larder";
`;
}

function storeEntry(hash: string): string {
  return `/** As \`FeatureStore\` of "larder", with names and values checked by the compiler. */
export const FeatureStore = generatedFeatureStore<Schema>({
  // What the types depend on; \`open\` compares it with the definitions it is given.
  shapes: "${hash}",
});
export type FeatureStore<Int64 extends Int64Mode = "number"> = TypedFeatureStore<Schema, Int64>;`;
}

function clientHead(source: string): string {
  return `${GENERATED_MARK} --client from ${source}. Do not edit.
// After a change of the definitions run \`larder codegen --client\` again; until then \`larder codegen --client --check\` exits 1.
import { generatedClient, type Int64Mode, type Typed, type TypedClient } from "@larder/client";
`;
}

function clientEntry({ views, services }: Shapes): string {
  const features = views.flatMap(({ name, features }) =>
    features.map((each) => ({ ...each, name: `${name}:${each.name}` })),
  );
  const perService = services.map((service) => ({ name: service.name, types: wireTypes(service.features) }));
  const told = perService.filter(({ types }) => types.length > 0);
  return `/** As \`createClient\` of "@larder/client", with names and values checked by the compiler. */
export const createClient = generatedClient<Schema>({
  // Values that JSON has no form for.
${object("features", wireTypes(features), "  ")}
${object(
  "services",
  told.flatMap(({ name, types }) => objectLines(key(name), types)),
  "  ",
)}
});
export type Client<Int64 extends Int64Mode = "number"> = TypedClient<Schema, Int64>;`;
}

/** Lines for the columns whose values JSON has no form for. */
function wireTypes(columns: readonly ColumnShape[]): readonly string[] {
  return columns
    .filter(({ type }) => /int64|unix_timestamp|bytes/.test(type))
    .map(({ name, type }) => `${key(name)}: ${literal(type)},`);
}

function object(name: string, lines: readonly string[], indent: string): string {
  return objectLines(name, lines)
    .map((line) => indent + line)
    .join("\n");
}

function objectLines(name: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [`${name}: {},`] : [`${name}: {`, ...indented(lines), "},"];
}

function viewLines(view: ViewShape): readonly string[] {
  const { timeUnit, tombstoneColumn } = view;
  return [
    ...doc(view.description),
    `${property(view.name)}: {`,
    ...indented(columns("joinKeys", view.joinKeys)),
    ...indented(columns("features", view.features)),
    ...(view.partialRows ? ["  readonly partialRows: true;"] : []),
    ...(timeUnit === undefined ? [] : [`  readonly timeUnit: ${literal(timeUnit)};`]),
    ...(tombstoneColumn === undefined ? [] : [`  readonly tombstone: ${literal(tombstoneColumn)};`]),
    "};",
  ];
}

function serviceLines(service: ServiceShape): readonly string[] {
  return [
    ...doc(service.description),
    `${property(service.name)}: {`,
    ...indented(columns("joinKeys", service.joinKeys)),
    ...indented(columns("features", service.features)),
    "};",
  ];
}

function modelLines(model: ModelShape): readonly string[] {
  return [
    ...doc(model.description),
    `${property(model.name)}: {`,
    `  readonly featureService: ${literal(model.featureService)};`,
    ...indented(predictionLines(model)),
    ...(model.requestFeatures === undefined ? [] : indented(columns("requestFeatures", model.requestFeatures))),
    "};",
  ];
}

function predictionLines({ prediction }: ModelShape): readonly string[] {
  if (typeof prediction === "string") return [`readonly prediction: ${literal(prediction)};`];
  // As a formatter breaks it inside "  readonly models: { name: {".
  const line = `readonly prediction: ${prediction.map(literal).join(" | ")};`;
  if (line.length + 6 <= LINE_WIDTH) return [line];
  return [
    "readonly prediction:",
    ...prediction.map((name, at) => `  | ${literal(name)}${at + 1 < prediction.length ? "" : ";"}`),
  ];
}

function columns(key: string, list: readonly (ColumnShape & { readonly optional?: boolean })[]): readonly string[] {
  if (list.length === 0) return [`readonly ${key}: Record<never, never>;`];
  const lines = list.flatMap((each) => [
    ...doc(each.description),
    `${property(each.name)}${each.optional === true ? "?" : ""}: ${literal(each.type)};`,
  ]);
  return [`readonly ${key}: {`, ...indented(lines), "};"];
}

function map(start: string, items: readonly (readonly string[])[]): string {
  if (items.length === 0) return `${start}: Record<never, never>;`;
  return [`${start}: {`, ...indented(indented(items.flat())), "  };"].join("\n");
}

function union(start: string, names: readonly string[]): string {
  const line = `${start}: ${names.map(literal).join(" | ")};`;
  if (line.length <= LINE_WIDTH) return line;
  return `${start}:\n${names.map((name) => `    | ${literal(name)}`).join("\n")};`;
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}

function property(name: string): string {
  return `readonly ${key(name)}`;
}

function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name);
}

/** A string literal in printable characters: what is not, could end a line or turn the reading direction of an editor. */
function literal(text: string): string {
  return JSON.stringify(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) =>
    Array.from({ length: char.length }, (_, at) => unicodeEscape(char.charCodeAt(at))).join(""),
  );
}

function unicodeEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}

function doc(description: string): readonly string[] {
  const text = comment(description);
  return text === "" ? [] : [`/** ${text} */`];
}

/** Text on one line that ends no comment. */
function comment(text: string): string {
  return text
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, " ")
    .replaceAll("*/", "*\\/")
    .trim();
}
