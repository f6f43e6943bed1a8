import { expect, test } from "vitest";
import { keySlot } from "../../../src/stores/redis/key-slot.ts";

test("slots are those of CLUSTER KEYSLOT", () => {
  // 0x31c3 is the check value of CRC16/XMODEM; the others were asked of a Redis 7.0.15.
  expect(keySlot("123456789")).toBe(0x31c3);
  expect(keySlot("a")).toBe(15495);
  expect(keySlot("b")).toBe(3300);
  expect(keySlot("")).toBe(0);
});

test("a tag alone decides, when it is not empty; bytes and text agree", () => {
  expect(keySlot("l:churn:default:{a}")).toBe(15495);
  expect(keySlot("x{b}{a}y")).toBe(3300);
  expect(keySlot("{}a")).not.toBe(15495);
  expect(keySlot("{a")).not.toBe(15495);
  expect(keySlot("}{a}")).toBe(15495);
  expect(keySlot(Buffer.from("é{a}"))).toBe(15495);
  expect(keySlot("é")).toBe(keySlot(Buffer.from("é", "utf8")));
});
