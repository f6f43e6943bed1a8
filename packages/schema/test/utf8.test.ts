import { decodeUtf8 } from "@larder/schema";
import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { invalidUtf8Offset } from "../src/utf8.ts";

test("valid bytes are their text, a byte order mark included", () => {
  for (const text of ["", "a", "é😀\0", "\ufeffx"]) expect(decodeUtf8(Buffer.from(text))).toBe(text);
});

test.each<readonly [number[], number]>([
  [[0xff], 0],
  [[0x61, 0xe9, 0x62], 1],
  [[0x61, 0xe2, 0x82], 1],
  [[0xc0, 0x80], 0],
  [[0x61, 0xed, 0xa0, 0x80], 1],
  [[0xf4, 0x90, 0x80, 0x80], 0],
  [[0x61, 0x62, 0x80], 2],
  [[0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98], 3],
])("invalid bytes %j are refused with their offset", (bytes, offset) => {
  expect(() => decodeUtf8(new Uint8Array(bytes))).toThrow(
    `The input is not UTF-8 text: byte ${offset} cannot stand there. Send it encoded as UTF-8.`,
  );
});

test("the offset is where the valid beginning ends", () => {
  const isText = (bytes: Uint8Array) => Buffer.compare(Buffer.from(Buffer.from(bytes).toString("utf8")), bytes) === 0;
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0x41, 0x80, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0xff), { maxLength: 12 }),
      (list) => {
        const bytes = new Uint8Array(list);
        const offset = invalidUtf8Offset(bytes);
        expect(isText(bytes.subarray(0, offset))).toBe(true);
        expect(offset === bytes.length).toBe(isText(bytes));
        for (let end = offset + 1; end <= bytes.length; end++) expect(isText(bytes.subarray(0, end))).toBe(false);
      },
    ),
    propertySettings(1000),
  );
});
