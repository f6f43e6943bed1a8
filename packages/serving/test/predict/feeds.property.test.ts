import type { ScalarType } from "@larder/schema";
import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TensorType } from "../../src/index.ts";
import { type ModelWorld, openModelWorld } from "../support/model-world.ts";
import { identityModel } from "../support/onnx-file.ts";

const WIDTH = 3;

/** Every pair of a feature's type and a tensor's that loads. */
const PAIRS: readonly (readonly [ScalarType, TensorType])[] = Object.entries({
  float32: ["float32", "bool", "int32", "int64", "float64"],
  float64: ["float64", "float32", "int32", "bool", "int64", "unix_timestamp"],
  int64: ["int64", "int32", "unix_timestamp", "bool"],
  int32: ["int32", "bool"],
  bool: ["bool"],
  string: ["string"],
}).flatMap(([tensor, types]) => types.map((type) => [type as ScalarType, tensor as TensorType] as const));

/** Values as JSON brings them; whole numbers of 64 bits as decimal text. */
const whole = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.tuple(fc.nat(62), fc.integer({ min: -2, max: 2 })).map(([bits, more]) => 2n ** BigInt(bits) + BigInt(more)),
  fc.tuple(fc.integer(), fc.nat(30)).map(([odd, zeros]) => BigInt(odd) * 2n ** BigInt(zeros)),
);
const VALUES: Readonly<Record<Exclude<ScalarType, "bytes">, fc.Arbitrary<number | string | boolean>>> = {
  int32: fc.oneof(fc.integer(), fc.constantFrom(2 ** 24, 2 ** 24 + 1, -(2 ** 24) - 1, 2 ** 31 - 1)),
  int64: whole.map(String),
  float32: fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  float64: fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    fc.constantFrom(1e39, 1e-46, 0.1, 2 ** 128, 3.4028234663852886e38),
  ),
  bool: fc.boolean(),
  string: fc.string({ unit: "grapheme", maxLength: 5 }),
  unix_timestamp: fc.maxSafeInteger(),
};
const TYPES = Object.keys(VALUES) as (keyof typeof VALUES)[];

/** What the tensor must hold of a value, as JSON text; undefined where it cannot hold it. Plain arithmetic, with nothing of the code under test. */
function expected(type: ScalarType, tensor: TensorType, value: number | string | boolean): string | undefined {
  if (tensor === "bool") return String(value);
  if (type === "string") return JSON.stringify(value);
  if (type === "float32" || type === "float64") {
    if (type === tensor || tensor === "float64") return text(value as number);
    const view = new DataView(new ArrayBuffer(4));
    view.setFloat32(0, value as number);
    return view.getFloat32(0) === value ? text(value) : undefined;
  }
  const exact = BigInt(value);
  if (tensor === "int32" || tensor === "int64") return String(exact);
  let odd = exact < 0n ? -exact : exact;
  while (odd > 0n && odd % 2n === 0n) odd /= 2n;
  return odd < 2n ** (tensor === "float32" ? 24n : 53n) ? text(Number(exact)) : undefined;
}

function text(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

const name = (type: string) => type.replace(/\W/g, "_");
const both = TYPES.flatMap((type) => [type, `list<${type}>`]);

/** Per pair a model fed from the store and one fed by the request; each for a scalar and for a list. */
const models = PAIRS.flatMap(([type, tensor]) =>
  [type, `list<${type}>`].flatMap((feature) => {
    const path = `${feature === type ? "one" : "wide"}_${tensor}.onnx`;
    const common = `path: ${path}, feature_service: s, prediction: { name: p, output: x_out }`;
    const id = `${name(feature)}_${tensor}`;
    return [
      `  - { name: stored_${id}, ${common}, inputs: { x: "v:${name(feature)}", k: "v:k" } }`,
      `  - { name: request_${id}, ${common}, inputs: { x: r, k: "v:k" }, request_features: [{ name: r, type: ${feature} }] }`,
    ];
  }),
);

const YAML = `
project: test
online_store: { type: memory }
entities: [{ name: row, join_keys: [{ name: id, type: int64 }] }]
feature_views:
  - name: v
    entity: row
    features: [{ name: k, type: bool }, ${both.map((type) => `{ name: ${name(type)}, type: ${type} }`).join(", ")}]
feature_services: [{ name: s, features: [v:k, ${both.map((type) => `v:${name(type)}`).join(", ")}] }]
models:
${models.join("\n")}
`;

const FILES = Object.fromEntries(
  [...new Set(PAIRS.map(([, tensor]) => tensor))].flatMap((type) =>
    [1, WIDTH].map((width) => [
      `${width === 1 ? "one" : "wide"}_${type}.onnx`,
      identityModel([
        { name: "x", type, shape: ["n", width] },
        { name: "k", type: "bool", shape: ["n"] },
      ]),
    ]),
  ),
);

let world: ModelWorld;
beforeAll(async () => {
  world = await openModelWorld(YAML, FILES);
});
afterAll(() => world[Symbol.asyncDispose]());

type Cells = Readonly<Record<string, unknown>>;

const row = fc.record(
  Object.fromEntries(
    TYPES.flatMap((type) => [
      [name(type), VALUES[type]],
      [
        name(`list<${type}>`),
        fc.oneof(
          { arbitrary: fc.array(VALUES[type], { minLength: WIDTH, maxLength: WIDTH }), weight: 6 },
          { arbitrary: fc.array(VALUES[type], { maxLength: 5 }), weight: 1 },
        ),
      ],
    ]),
  ),
) as fc.Arbitrary<Cells>;

/** The texts of `{"p":…}`, null for a refused row; numbers are not parsed, which would round them. */
async function answers(model: string, entity_rows: readonly object[]): Promise<readonly string[]> {
  const { body, statusCode } = await world.post(`/models/${model}/predict`, { entity_rows });
  if (statusCode !== 200) throw new Error(body);
  const members =
    entity_rows.length === 0 ? "" : body.slice('{"predictions":['.length, body.search(/\](,"errors"|,"metadata")/));
  const found = [
    ...members.matchAll(/null(?=,|$)|\{"p":((?:\[(?:[^"\]]|"(?:[^"\\]|\\.)*")*\])|"(?:[^"\\]|\\.)*"|[^}]*)\}/g),
  ];
  return found.map((each) => each[1] ?? "null");
}

/** A list is held where it has the width and each element is held. */
function expectedCell(type: ScalarType, tensor: TensorType, list: boolean, value: unknown): string {
  const items = (list ? value : [value]) as readonly (number | string | boolean)[];
  const held = items.map((each) => expected(type, tensor, each));
  if (held.includes(undefined) || (list && items.length !== WIDTH)) return "null";
  return list ? `[${held.join(",")}]` : String(held[0]);
}

test("every feature type reaches every tensor type exactly or its row is refused: stored, brought by the request or overriding, in a batch or alone", async () => {
  const seen = new Set<string>();
  let written = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 8, maxLength: 12 }), fc.nat(), async (rows, pick) => {
      // Rows of their own for every run: of two writes at one time the greater would win.
      const first = written;
      written += rows.length;
      const ids = rows.map((_, at) => first + at);
      const column = (cell: string) => rows.map((each) => each[cell]);
      const columns = Object.fromEntries(both.map((type) => [name(type), column(name(type))]));
      await world.write("v", { id: ids, k: ids.map(() => true), ...columns });
      for (const [type, tensor] of PAIRS) {
        for (const list of [false, true]) {
          const cell = name(list ? `list<${type}>` : type);
          const wanted = rows.map((each) => expectedCell(type, tensor, list, each[cell]));
          for (const each of wanted) seen.add(`${type} ${tensor} ${list} ${each === "null"}`);
          expect(
            await answers(
              `stored_${cell}_${tensor}`,
              ids.map((id) => ({ id })),
            ),
          ).toEqual(wanted);
          expect(
            await answers(
              `request_${cell}_${tensor}`,
              ids.map((id) => ({ id, r: rows[id - first]?.[cell] })),
            ),
          ).toEqual(wanted);
          // Each row takes the next one's value.
          const shifted = ids.map((id) => ({
            id,
            overrides: { [`v:${cell}`]: rows[(id - first + 1) % rows.length]?.[cell] },
          }));
          expect(await answers(`stored_${cell}_${tensor}`, shifted)).toEqual([...wanted.slice(1), wanted[0]]);
          const at = pick % rows.length;
          expect(await answers(`stored_${cell}_${tensor}`, [{ id: first + at }])).toEqual([wanted[at]]);
        }
      }
    }),
    propertySettings(4),
  );
  for (const pair of ["int64 float32", "int32 float32", "float64 float32", "int64 float64"]) {
    for (const refused of [true, false]) expect(seen).toContain(`${pair} false ${refused}`);
  }
});
