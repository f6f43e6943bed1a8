import { findView, parseDefinitions } from "@larder/schema";
import { expect, test } from "vitest";
import { shopWith } from "./shop.ts";

/** `${…}` as the file writes it. */
const ref = (inner: string) => `\${${inner}}`;

const describeAs = (value: string, env: Record<string, string>) =>
  findView(parseDefinitions(shopWith("    ttl: 30d", `    description: ${value}`), { env }), "profile").description;

test("variables expand in plain and quoted values, with defaults", () => {
  const env = { A: "one", EMPTY: "" };
  expect(describeAs(ref("A"), env)).toBe("one");
  expect(describeAs(`"<${ref("A")}-${ref("A")}>"`, env)).toBe("<one-one>");
  expect(describeAs(ref("B:-two words"), env)).toBe("two words");
  expect(describeAs(ref("EMPTY:-filled"), env)).toBe("filled");
  expect(describeAs(`"${ref("EMPTY")}"`, env)).toBe("");
  expect(describeAs(`"${ref("B:-")}"`, env)).toBe("");
  expect(describeAs(`$A $${ref("A")}`, env)).toBe(`$A ${ref("A")}`);
});

test("a variable's text is not expanded again and makes no YAML", () => {
  const text = `${ref("B")} { x: [ # y`;
  expect(describeAs(ref("A"), { A: text })).toBe(text);
  expect(() => describeAs(ref("toString"), {})).toThrow("needs the environment variable toString, which is not set");
});

test("a plain value is typed after expansion, a quoted one stays text", () => {
  const portOf = (port: string, env: Record<string, string>) =>
    parseDefinitions(`project: p\nserver:\n  port: ${port}\n`, { env }).server.port;
  const port = ref("PORT");
  expect(portOf(port, { PORT: "8080" })).toBe(8080);
  expect(portOf(ref("PORT:-7070"), {})).toBe(7070);
  const notWhole = `server.port: is what ${port} expands to, not a whole number`;
  expect(() => portOf(`"${port}"`, { PORT: "8080" })).toThrow(notWhole);
  expect(describeAs(`"${port}"`, { PORT: "8080" })).toBe("8080");
  expect(() => describeAs(port, { PORT: "8080" })).toThrow(`is what ${port} expands to, not text`);
});

test("variables come from the given environment alone", () => {
  process.env["LARDER_TEST_VARIABLE"] = "leaked";
  try {
    const leak = () => describeAs(ref("LARDER_TEST_VARIABLE"), {});
    expect(leak).toThrow("LARDER_TEST_VARIABLE, which is not set");
  } finally {
    delete process.env["LARDER_TEST_VARIABLE"];
  }
});

test("a variable without quotes inside braces is explained", () => {
  const text = `project: p\nserver: { port: ${ref("PORT")} }\n`;
  expect(() => parseDefinitions(text, { file: "f.yaml" })).toThrow(
    "f.yaml has 1 problem:\nf.yaml:2:18: yaml: has a variable without quotes inside { } or [ ], where YAML takes its { for a map: " +
      "Put it in quotes, or write the key on a line of its own",
  );
});
