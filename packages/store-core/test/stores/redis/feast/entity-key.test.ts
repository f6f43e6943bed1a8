import { type FeatureView, KEY_TYPES, type KeyType, type KeyValue } from "@larder/schema";
import { propertySettings } from "@larder/testkit";
import { anyString } from "@larder/testkit/any-string";
import fc from "fast-check";
import { expect, test } from "vitest";
import { definitionsOf } from "../../../../conformance/definitions.ts";
import { encodeEntityKey } from "../../../../src/keys/entity-key.ts";
import { createKeySpace } from "../../../../src/stores/redis/feast/entity-key.ts";
import { VECTORS, valueOfGolden } from "./golden.ts";

const KINDS: Readonly<Record<string, KeyType>> = {
  int32_val: "int32",
  int64_val: "int64",
  string_val: "string",
  bytes_val: "bytes",
  unix_timestamp_val: "unix_timestamp",
};

function viewOf(joinKeys: Readonly<Record<string, KeyType>>): FeatureView {
  const { views } = definitionsOf({ views: [{ name: "v", joinKeys, features: { x: "int32" } }] });
  return views.get("v") as FeatureView;
}

const known = VECTORS.entity_keys.flatMap(({ join_keys, values, project, redis_key_v2, redis_key_v3 }) => {
  const types = values.map(({ which }) => KINDS[which ?? ""]);
  if (types.includes(undefined) || project === undefined || join_keys.length === 0) return [];
  const dummy = join_keys[0] === "__dummy_id";
  const joinKeys = dummy ? {} : Object.fromEntries(join_keys.map((name, i) => [name, types[i] as KeyType]));
  const key = dummy ? [] : values.map(({ value }, i) => valueOfGolden(types[i] as KeyType, value) as KeyValue);
  return [{ view: viewOf(joinKeys), key, project, keys: { 2: redis_key_v2, 3: redis_key_v3 } }];
});

test("keys are Feast's in both versions, and are read back", () => {
  expect(known.length).toBeGreaterThan(25);
  for (const { view, key, project, keys } of known) {
    for (const version of [2, 3] as const) {
      const space = createKeySpace(view, project, version);
      const text = encodeEntityKey(view, key);
      expect(space.redisKey(text).toString("hex")).toBe(keys[version]);
      expect(space.entityKeyOf(Buffer.from(keys[version] ?? "", "hex"))).toBe(text);
    }
  }
});

const KEYS: Readonly<Record<KeyType, fc.Arbitrary<KeyValue>>> = {
  int32: fc.integer(),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  unix_timestamp: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  string: anyString({ maxLength: 60 }),
  bytes: fc.uint8Array({ maxLength: 60 }),
};

test("every key is read back, and by no other project, though Feast would take it for its own", () => {
  const views = KEY_TYPES.flatMap((one) => [
    viewOf({ id: one }),
    ...KEY_TYPES.map((other) => viewOf({ id: one, second: other })),
  ]);
  const cases = fc
    .constantFrom(...views)
    .chain((view) => fc.tuple(fc.constant(view), fc.tuple(...view.joinKeys.map(({ type }) => KEYS[type]))));
  const project = anyString({ minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(cases, project, fc.constantFrom(2, 3), ([view, values], name, version) => {
      const text = encodeEntityKey(view, values);
      const key = createKeySpace(view, name, version).redisKey(text);
      expect(createKeySpace(view, name, version).entityKeyOf(key)).toBe(text);
      for (const other of [`bar_${name}`, `${name}x`, `x${name}`]) {
        expect(createKeySpace(view, other, version).entityKeyOf(key)).toBeUndefined();
      }
      expect(createKeySpace(view, name, version).entityKeyOf(Buffer.concat([Buffer.of(1), key]))).toBeUndefined();
      expect(createKeySpace(view, name, version).entityKeyOf(key.subarray(0, key.length - 1))).toBeUndefined();
    }),
    propertySettings(500),
  );
});

test("a key of another type, or with other names, is none of this space", () => {
  const spaces = KEY_TYPES.map((type) => createKeySpace(viewOf({ id: type }), "p", 3));
  const keys = ["1", "1", "sx", "bAA", "1"].map((_, i) => {
    const text = { int32: "1", int64: "1", string: "sx", bytes: "bAA", unix_timestamp: "1" }[KEY_TYPES[i] as KeyType];
    return spaces[i]?.redisKey(text) as Buffer;
  });
  for (const [i, space] of spaces.entries()) {
    expect(keys.map((key) => space.entityKeyOf(key) !== undefined)).toEqual(keys.map((_, j) => i === j));
  }
  expect(createKeySpace(viewOf({ id2: "int64" }), "p", 3).entityKeyOf(keys[1] as Buffer)).toBeUndefined();
  expect(createKeySpace(viewOf({}), "p", 3).entityKeyOf(Buffer.from("0000000070", "hex"))).toBeUndefined();
});

test("no bytes make the reader of keys throw", () => {
  const spaces = ([2, 3] as const).flatMap((version) =>
    KEY_TYPES.map((type) => createKeySpace(viewOf({ id: type }), "p", version)),
  );
  const bytes = fc
    .tuple(fc.constantFrom(...known), fc.nat(), fc.nat(255), fc.nat())
    .map(([{ keys }, at, byte, cut]) => {
      const key = Buffer.from(keys[3] ?? "", "hex");
      key[at % key.length] = byte;
      return key.subarray(0, cut % (key.length + 1));
    });
  fc.assert(
    fc.property(bytes, (key) => {
      for (const space of spaces) space.entityKeyOf(key);
    }),
    propertySettings(2_000),
  );
});
