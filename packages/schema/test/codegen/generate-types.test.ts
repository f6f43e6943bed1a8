import { expect, test } from "vitest";
import { GENERATED_MARK, generateTypes, hashShapes, parseDefinitions } from "../../src/index.ts";
import { SHOP, shopWith } from "../load/shop.ts";

const text = (yaml: string, file = "/here/feature_store.yaml") => generateTypes(parseDefinitions(yaml, { file }));
const hash = (yaml: string) => hashShapes(parseDefinitions(yaml));

/** The yaml with one line moved behind another. */
function moved(yaml: string, start: string, behind: string): string {
  const lines = yaml.split("\n");
  const [line = ""] = lines.splice(
    lines.findIndex((each) => each.includes(start)),
    1,
  );
  lines.splice(lines.findIndex((each) => each.includes(behind)) + 1, 0, line);
  return lines.join("\n");
}

test("the same definitions give the same bytes, in any order and at any place", () => {
  const once = text(SHOP);
  expect(text(SHOP)).toBe(once);
  expect(text(SHOP, "/elsewhere/feature_store.yaml")).toBe(once);
  const reordered = moved(moved(SHOP, "name: twin", "name: by_city"), "name: plan,", "features:");
  expect(reordered).not.toBe(SHOP);
  expect(text(reordered)).toBe(once);
});

test("the text begins with its mark, names its command, and ends no line in a blank", () => {
  const generated = text(SHOP);
  expect(generated.startsWith(`${GENERATED_MARK} from feature_store.yaml (project shop)`)).toBe(true);
  expect(generated).toContain("larder codegen --check");
  expect(generated).toContain(`shapes: "${hash(SHOP)}"`);
  expect(generated).not.toMatch(/[ \t]$|\r/m);
  expect(generated.endsWith(";\n")).toBe(true);
});

test.each([
  ["another project", shopWith("project: shop", "project: shop2")],
  ["a retyped feature", shopWith("name: count, type: int64", "name: count, type: int32")],
  [
    "one more feature",
    shopWith("{ name: plan, type: string }", "{ name: plan, type: string }, { name: x, type: bool }").replace(
      "      - { name: plan, type: string }, {",
      "      - { name: plan, type: string }\n      - {",
    ),
  ],
  ["a retyped join key", shopWith("name: country, type: string", "name: country, type: int32")],
  ["one less feature in a service", shopWith('"profile:plan", ', "")],
  ["another name of a prediction", shopWith("prediction: { output", "prediction: { name: p, output")],
  ["a second prediction", shopWith("{ output: probabilities, index: 1 }", "[{ output: label }, { output: p }]")],
  ["a request feature", shopWith("inputs: {", "request_features: [{ name: amount, type: int32 }]\n    inputs: {")],
  [
    "rows that may be partial",
    shopWith("entities: [customer, region]", "entities: [customer, region]\n    partial_rows: absent"),
  ],
  [
    "times that may be numbers",
    shopWith("entities: [customer, region]", "entities: [customer, region]\n    time_unit: s"),
  ],
])("%s changes text and hash", (_, yaml) => {
  expect(text(yaml)).not.toBe(text(SHOP));
  expect(hash(yaml)).not.toBe(hash(SHOP));
});

test.each([
  ["a TTL", shopWith("ttl: 30d", "ttl: 31d")],
  ["a default", shopWith("default: 0", "default: 1")],
  ["a source", shopWith("profile/*.parquet", "profiles/*.parquet")],
  ["the online store", shopWith("{ type: memory }", "{ type: sqlite, path: x.db }")],
])("%s changes neither text nor hash", (_, yaml) => {
  expect(text(yaml)).toBe(text(SHOP));
  expect(hash(yaml)).toBe(hash(SHOP));
});

test.each([
  ["one more tenant", shopWith("default: {}", "default: {}\n  other: {}"), '"acme" | "default" | "other"'],
  [
    "a description",
    shopWith("type: int32, default: 0", 'type: int32, default: 0, description: "Years\\n*/ x"'),
    "/** Years *\\/ x */",
  ],
])("%s changes the text, and types stay true: not the hash", (_, yaml, expected) => {
  expect(text(yaml)).toContain(expected);
  expect(text(SHOP)).not.toContain(expected);
  expect(hash(yaml)).toBe(hash(SHOP));
});

test("names are quoted where they need it, in printable characters", () => {
  const yaml = shopWith(
    "  acme: { ttl",
    `  "a\\"b\\\\": {}\n  "x\\u2028\\u202e\\u0000y": {}\n  acme: { ttl`,
  ).replaceAll("orders", "class");
  const generated = text(yaml);
  expect(generated).toContain('"a\\"b\\\\"');
  expect(generated).toContain('"x\\u2028\\u202e\\u0000y"');
  expect(generated).toContain("readonly class: {");
});

test("many tenants break into a line each", () => {
  const names = Array.from({ length: 20 }, (_, i) => `tenant${10 + i}`);
  const generated = text(shopWith("default: {}", `default: {}\n${names.map((name) => `  ${name}: {}`).join("\n")}`));
  expect(generated).toContain(`  readonly tenants:\n    | "acme"\n    | "default"\n    | "tenant10"\n`);
});
