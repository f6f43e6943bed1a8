import { findView, type KeyValue } from "@larder/schema";
import { propertySettings } from "@larder/testkit";
import { anyString } from "@larder/testkit/any-string";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeEntityKey, encodeEntityKey } from "../../src/keys/entity-key.ts";
import { compareCodePoints, decodeSegment, encodeSegment } from "../../src/keys/segment.ts";
import { definitionsOf } from "../definitions.ts";

const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  anyString(),
  fc.constantFrom("*", "?", "[a]", "{x}", ":", "%", "%2A", "\0", "\n", "a,b", "a", "s", "b", "-1", "1", "💥", ""),
);

const view = findView(
  definitionsOf("  - { name: v, entities: [shop, customer], features: [{ name: f, type: int32 }] }"),
  "v",
);

test("a segment reads back as the text it came from, in plain characters only", () => {
  fc.assert(
    fc.property(text, (value) => {
      const segment = encodeSegment(value);
      expect(segment).toMatch(/^[A-Za-z0-9_.%-]*$/);
      expect(decodeSegment(segment)).toBe(value);
    }),
    propertySettings(2000),
  );
});

test("two entity keys have one text only when their values are equal, and it reads back", () => {
  const key = fc.tuple(text, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })) as fc.Arbitrary<
    [KeyValue, KeyValue]
  >;
  fc.assert(
    fc.property(key, key, (a, b) => {
      const [x, y] = [encodeEntityKey(view, a), encodeEntityKey(view, b)];
      expect(x).toMatch(/^[A-Za-z0-9_.,%-]*$/);
      expect(decodeEntityKey(view, x)).toEqual(a);
      expect(x === y).toBe(a[0] === b[0] && a[1] === b[1]);
    }),
    propertySettings(2000),
  );
});

test("the values of a key stand in the order of their join keys' names, whatever order the view lists them in", () => {
  expect(encodeEntityKey(view, ["shop one", 7n])).toBe("7,sshop%20one");
});

test("names sort by code point, astral characters last", () => {
  expect(["\u{1F4A5}", "\uFF5E", "a"].sort(compareCodePoints)).toEqual(["a", "\uFF5E", "\u{1F4A5}"]);
});
