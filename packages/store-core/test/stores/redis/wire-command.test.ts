import { propertySettings } from "@larder/testkit";
import { anyString } from "@larder/testkit/any-string";
import fc from "fast-check";
import { Command } from "ioredis";
import { expect, test } from "vitest";
import { toIoredis } from "../../../src/stores/redis/wire-command.ts";

test("any command has the bytes that ioredis would send, and is sent once", () => {
  const text = fc.oneof(anyString(), fc.string({ unit: "binary-ascii" }), fc.constantFrom("", "é", "\r\n", "$1"));
  const bytes = fc.uint8Array({ maxLength: 20 }).map((each) => Buffer.from(each));
  const argument = fc.oneof(text, text, bytes);
  const args = fc.array(fc.oneof(argument, fc.array(argument, { maxLength: 4 })), { maxLength: 6 });
  fc.assert(
    fc.property(args, (list) => {
      const command = toIoredis(["HSET", list]);
      const theirs = new Command("HSET", list, { replyEncoding: null });
      expect(Buffer.from(command.toWritable())).toEqual(Buffer.from(theirs.toWritable({})));
      expect(command.toWritable()).toHaveLength(0);
      expect(command.args).toEqual([]);
    }),
    propertySettings(500),
  );
});
