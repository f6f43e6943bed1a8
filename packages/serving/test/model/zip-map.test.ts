import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withoutZipMaps } from "../../src/model/zip-map.ts";
import { openModelWorld } from "../support/model-world.ts";
import { identityModel, zipMapModel } from "../support/onnx-file.ts";
import { FIXTURES } from "../support/world.ts";

interface Golden {
  readonly label: readonly unknown[];
  readonly probabilities: readonly (readonly number[])[];
}

const FOLDER = join(FIXTURES, "zip-map");
const golden: { readonly rows: readonly (readonly number[])[] } & Record<"ints" | "strings", Golden> = JSON.parse(
  readFileSync(join(FOLDER, "golden.json"), "utf8"),
);

const yaml = (output: string) => `
project: test
online_store: { type: memory }
entities: [{ name: row, join_keys: [{ name: id, type: int64 }] }]
feature_views: [{ name: v, entity: row, features: [{ name: a, type: float32 }, { name: b, type: float32 }, { name: c, type: float32 }] }]
feature_services: [{ name: s, features: ["v:a", "v:b", "v:c"] }]
models: [{ name: m, path: m.onnx, feature_service: s, prediction: [{ name: label, output: output_label }, { name: all, output: ${output} }, { name: last, output: ${output}, index: 2 }] }]
`;

test.each(["ints", "strings"] as const)(
  "a classifier with labels of %s, as skl2onnx makes it, answers what Python gets",
  async (name) => {
    const bytes = readFileSync(join(FOLDER, `${name}.onnx`));
    await using world = await openModelWorld(yaml("output_probability"), { "m.onnx": bytes });
    const ids = golden.rows.map((_, id) => id);
    const column = (at: number) => golden.rows.map((row) => row[at]);
    await world.write("v", { id: ids, a: column(0), b: column(1), c: column(2) });
    const { predictions } = await world.predict(
      "m",
      ids.map((id) => ({ id })),
    );
    expect(predictions.map((each) => each?.["label"])).toEqual(golden[name].label);
    for (const [row, expected] of golden[name].probabilities.entries()) {
      const all = predictions[row]?.["all"] as readonly number[];
      expect(all).toHaveLength(3);
      for (const [at, probability] of expected.entries()) expect(all[at]).toBeCloseTo(probability, 6);
      expect(predictions[row]?.["last"]).toBe(all[2]);
    }
  },
);

test("a model without default operators gains them for the tensor's output", async () => {
  const single = yaml("probabilities")
    .replace("{ name: label, output: output_label }, ", "")
    .replace('"v:b", "v:c"', '"v:b"');
  const files = { "m.onnx": zipMapModel({ mlOnly: true }) };
  await using world = await openModelWorld(
    single.replace(", { name: last, output: probabilities, index: 2 }", ""),
    files,
  );
  await world.write("v", { id: [1], a: [2], b: [-4], c: [0] });
  expect((await world.predict("m", [{ id: 1 }])).predictions).toEqual([{ all: [1, -2] }]);
});

test("other bytes are left as they are: a model without ZipMap, what is no model", () => {
  const plain = identityModel([{ name: "x", type: "float32", shape: ["n", 1] }]);
  const whole = zipMapModel();
  const broken = whole.subarray(0, whole.length - 9);
  const noModel = Buffer.from("ZipMap, but no model");
  for (const bytes of [plain, broken, noModel]) expect(withoutZipMaps(bytes)).toBe(bytes);
  expect(withoutZipMaps(whole)).not.toBe(whole);
});
