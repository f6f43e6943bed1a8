import { expect, test } from "vitest";
import { betweenMarkers } from "../../src/peers/between-markers.ts";

const TEXT = "a\n<!-- t:begin -->\nold\n<!-- t:end -->\nb\n";

test("what stands between the markers is replaced, again and again", () => {
  const once = betweenMarkers(TEXT, "t", "new $1");
  expect(once).toBe("a\n<!-- t:begin -->\nnew $1\n<!-- t:end -->\nb\n");
  expect(betweenMarkers(once, "t", "old")).toBe(TEXT);
});

test.each([
  ["no markers", "a"],
  ["no end", "<!-- t:begin --> a"],
  ["the end first", "<!-- t:end --> <!-- t:begin -->"],
  ["two of them", TEXT + TEXT],
  ["two ends", `${TEXT}<!-- t:end -->`],
])("%s are refused", (_, text) => {
  expect(() => betweenMarkers(text, "t", "new")).toThrow("There have to be one <!-- t:begin -->");
});
