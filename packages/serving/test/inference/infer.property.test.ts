import { parseJson } from "@larder/schema";
import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { World } from "../support/world.ts";
import { binaryAnswer, echoWorld, inferBinary } from "./exchange.ts";

const INFER = "/v2/models/echo/infer";

let opened: Promise<World> | undefined;
const shared = (): Promise<World> => {
  opened ??= echoWorld();
  return opened;
};
afterAll(async () => await (await opened)?.[Symbol.asyncDispose]());

const bytesOf = (array: ArrayBufferView): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

function textBytes(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** A tensor of n rows as bytes, and as JSON would show its elements. */
interface Sample {
  readonly datatype: string;
  readonly bytes: Buffer;
  readonly shown: readonly unknown[];
}

const shown = (value: number): number | null => (Number.isFinite(value) ? value : null);
const text = fc.string({ unit: "binary", maxLength: 12 }).filter((each) => each.isWellFormed() && !each.includes("\0"));

function samples(rows: number): fc.Arbitrary<Record<string, Sample>> {
  const times = { minLength: rows, maxLength: rows };
  return fc.record({
    f32: fc.float32Array(times).map((data) => ({
      datatype: "FP32",
      bytes: bytesOf(data),
      shown: Array.from(data, shown),
    })),
    f64: fc.float64Array(times).map((data) => ({
      datatype: "FP64",
      bytes: bytesOf(data),
      shown: Array.from(data, shown),
    })),
    i32: fc.int32Array(times).map((data) => ({ datatype: "INT32", bytes: bytesOf(data), shown: [...data] })),
    i64: fc.bigInt64Array(times).map((data) => ({ datatype: "INT64", bytes: bytesOf(data), shown: [...data] })),
    flag: fc
      .array(fc.boolean(), times)
      .map((data) => ({ datatype: "BOOL", bytes: Buffer.from(data.map(Number)), shown: data })),
    word: fc.array(text, times).map((data) => ({ datatype: "BYTES", bytes: textBytes(data), shown: data })),
  });
}

const batch = fc.integer({ min: 1, max: 6 }).chain((rows) => samples(rows).map((tensors) => ({ rows, tensors })));

function binaryRequest({ rows, tensors }: { rows: number; tensors: Record<string, Sample> }) {
  const inputs = Object.entries(tensors).map(([name, { datatype, bytes }]) => ({
    name,
    shape: [rows, 1],
    datatype,
    parameters: { binary_data_size: bytes.length },
  }));
  return { inputs, bytes: Buffer.concat(Object.values(tensors).map((tensor) => tensor.bytes)) };
}

test("tensors come back byte for byte in the binary form, and as the same values in JSON", async () => {
  const world = await shared();
  await fc.assert(
    fc.asyncProperty(batch, async (sample) => {
      const { inputs, bytes } = binaryRequest(sample);
      const answer = await inferBinary(world, INFER, { inputs, parameters: { binary_data_output: true } }, bytes);
      expect(answer.statusCode, answer.body).toBe(200);
      expect(binaryAnswer(answer).bytes).toEqual(bytes);

      const { outputs } = parseJson((await inferBinary(world, INFER, { inputs }, bytes)).body) as {
        readonly outputs: readonly { readonly data: readonly unknown[] }[];
      };
      for (const [index, { datatype, shown }] of Object.values(sample.tensors).entries()) {
        const data = outputs[index]?.data ?? [];
        if (datatype === "INT64") expect(data.map((value) => BigInt(value as number))).toEqual(shown);
        else expect(data.map((value) => (typeof value === "bigint" ? Number(value) : value))).toEqual(shown);
      }
    }),
    propertySettings(40),
  );
});

const unit = fc.double({ min: 0, max: 0.999, noNaN: true });
const words = fc.string({ unit: "grapheme-ascii", maxLength: 5 });
const DAMAGES = {
  cut: unit,
  flips: fc.array(fc.tuple(unit, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
  more: fc.uint8Array({ maxLength: 8 }),
  header: fc.oneof(fc.integer({ min: -1, max: 2000 }).map(String), words),
  size: fc.oneof(fc.integer({ min: -8, max: 64 }), fc.constantFrom(2 ** 53, 1e300, 0.5, "8", true)),
  shape: fc.array(fc.oneof(fc.integer({ min: -1, max: 9 }), fc.constantFrom(2 ** 31, 2 ** 53 - 1, 1e18, 0.5)), {
    maxLength: 4,
  }),
  datatype: fc.constantFrom("FP16", "BF16", "UINT8", "FP64", "BYTES", "INT64", "", 7),
};

/** What may become of a body on its way, or by the hand of somebody who means ill: one thing, or several. */
const damage = fc.oneof(
  ...(Object.keys(DAMAGES) as (keyof typeof DAMAGES)[]).map((kind) =>
    fc.record({ [kind]: DAMAGES[kind] } as Partial<typeof DAMAGES>),
  ),
  fc.record(DAMAGES, { requiredKeys: [] }),
);

test("no body, however damaged, is a failure of the server's", async () => {
  const world = await shared();
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(batch, fc.nat(5), damage, async (sample, victim, harm) => {
      const { cut = 1, flips = [], more = new Uint8Array(), header, size, shape, datatype } = harm;
      const { inputs, bytes } = binaryRequest(sample);
      const changed = inputs.map((input, index) =>
        index !== victim
          ? input
          : {
              ...input,
              shape: shape ?? input.shape,
              datatype: datatype ?? input.datatype,
              parameters: { binary_data_size: size ?? input.parameters.binary_data_size },
            },
      );
      const json = Buffer.from(JSON.stringify({ inputs: changed }));
      let body = Buffer.concat([json, bytes, more]);
      for (const [place, value] of flips) body[Math.floor(place * body.length)] = value;
      body = body.subarray(0, Math.floor(cut * body.length));
      const answer = await world.app.inject({
        method: "POST",
        url: INFER,
        headers: { "inference-header-content-length": (header ?? String(json.length)).replaceAll(/[^\x21-\x7e]/g, "") },
        payload: body,
      });
      seen.add(answer.statusCode);
      expect(answer.statusCode, answer.body).toBeLessThan(500);
      if (answer.statusCode !== 200) expect(answer.json()).toMatchObject({ error: expect.any(String) });
    }),
    propertySettings(200),
  );
  expect([...seen].sort()).toEqual(expect.arrayContaining([200, 400, 422]));
});
