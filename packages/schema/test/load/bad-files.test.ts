import { readFileSync } from "node:fs";
import { isLarderError, parseDefinitions } from "@larder/schema";
import { expect, test } from "vitest";
import { SHOP, shopWith } from "./shop.ts";

const ENV = { PORT: "abc", SECRET: "hunter2", NO: "no", EMPTY: "" };

interface BadFile {
  readonly name: string;
  readonly text: string;
  readonly lines: readonly string[];
}

function readCases(): readonly BadFile[] {
  const [, ...paragraphs] = readFileSync(new URL("fixtures/bad-files.txt", import.meta.url), "utf8").split(/^# /m);
  return paragraphs.map((paragraph) => {
    const [name = "", ...lines] = paragraph.trimEnd().split("\n");
    const marked = (mark: string) => lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(1));
    const gone = marked("-").join("\n");
    const instead = marked("+").join("\n");
    return { name, text: gone === "" ? instead : shopWith(gone, instead), lines: marked(">") };
  });
}

const CASES = readCases();

test("the small file itself is valid", () => {
  expect(parseDefinitions(SHOP).views.size).toBe(6);
});

test("there are cases, each with a message of its own", () => {
  expect(CASES.length).toBeGreaterThan(140);
  expect(CASES.filter(({ lines }) => lines.length === 0)).toEqual([]);
});

test.each(CASES)("refused: $name", ({ text, lines }) => {
  const error = errorOf(() => parseDefinitions(text, { file: "shop.yaml", env: ENV }));
  expect(isLarderError(error, "CONFIG_INVALID")).toBe(true);
  if (!isLarderError(error)) return;
  const [first, ...rest] = error.message.split("\n");
  expect(rest).toEqual(lines);
  expect(first).toBe(`shop.yaml has ${lines.length} ${lines.length === 1 ? "problem" : "problems"}:`);
  expect(error.problems.map((each) => `${each.place}: ${each.field}: ${each.what}: ${each.remedy}`)).toEqual(lines);
  expect(error.message).not.toContain("hunter2");
});

function errorOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}
