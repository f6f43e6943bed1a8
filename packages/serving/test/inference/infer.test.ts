import { afterAll, expect, test } from "vitest";
import { CHURN, goldenRows } from "../support/churn.ts";
import { openWorld, type World } from "../support/world.ts";
import { binaryAnswer, echoWorld, inferBinary } from "./exchange.ts";

const INFER = "/v2/models/echo/infer";

let opened: Promise<World> | undefined;
const shared = (): Promise<World> => {
  opened ??= echoWorld();
  return opened;
};
afterAll(async () => await (await opened)?.[Symbol.asyncDispose]());

const whole = {
  id: "42",
  inputs: [
    { name: "f32", shape: [2, 1], datatype: "FP32", data: [[0.1], [2]] },
    { name: "f64", shape: [2, 1], datatype: "FP64", data: [0.1, 1e300] },
    { name: "i32", shape: [2, 1], datatype: "INT32", data: [-2147483648, 7.0] },
    { name: "i64", shape: [2, 1], datatype: "INT64", data: [9007199254740991, -1] },
    { name: "flag", shape: [2, 1], datatype: "BOOL", data: [true, false] },
    { name: "word", shape: [2, 1], datatype: "BYTES", data: ["é\n", ""] },
  ],
};

test("the server, its health, and a route that is not there speak the protocol", async () => {
  await using world = await echoWorld();
  expect((await world.get("/v2")).json()).toEqual({
    name: "larder",
    version: "0.1.0",
    extensions: ["binary_tensor_data", "model_repository"],
  });
  expect((await world.get("/v2/health/live")).json()).toEqual({ live: true });
  expect((await world.get("/v2/health/ready")).json()).toEqual({ ready: true });
  for (const path of ["/v2/nothing", "/v2/models/nobody/infer"]) {
    const answer = await world.post(path, whole);
    expect([answer.statusCode, answer.headers["content-type"]]).toEqual([
      404,
      expect.stringMatching(/^application\/json/),
    ]);
    expect(answer.json()).toMatchObject({ error: expect.any(String), code: expect.stringMatching(/^UNKNOWN_/) });
  }
});

test("tensors of every type go through a model as they are, the id comes back, and outputs come as asked", async () => {
  await using world = await echoWorld();
  const version = world.models.state("echo").current as string;
  const i64 = '{"name":"i64","shape":[2,1],"datatype":"INT64","data":[-9223372036854775808,9223372036854775807]}';
  const answer = await world.post(INFER, JSON.stringify(whole).replace(/\{"name":"i64"[^}]*\}/, i64));
  expect(answer.statusCode, answer.body).toBe(200);
  const { outputs, ...rest } = JSON.parse(answer.body.replaceAll(/(?<=[[,])-?\d{17,}/g, '"$&"'));
  expect(rest).toEqual({ model_name: "echo", model_version: version, id: "42" });
  expect(outputs).toEqual([
    { name: "f32_out", shape: [2, 1], datatype: "FP32", data: [Math.fround(0.1), 2] },
    { name: "f64_out", shape: [2, 1], datatype: "FP64", data: [0.1, 1e300] },
    { name: "i32_out", shape: [2, 1], datatype: "INT32", data: [-2147483648, 7] },
    { name: "i64_out", shape: [2, 1], datatype: "INT64", data: ["-9223372036854775808", "9223372036854775807"] },
    { name: "flag_out", shape: [2, 1], datatype: "BOOL", data: [true, false] },
    { name: "word_out", shape: [2, 1], datatype: "BYTES", data: ["é\n", ""] },
  ]);

  const path = `/v2/models/echo/versions/${version}/infer`;
  const some = await world.post(path, {
    ...whole,
    outputs: [{ name: "word_out", parameters: { binary_data: true } }, { name: "flag_out" }],
  });
  const { json, bytes } = binaryAnswer(some);
  expect(json.outputs).toEqual([
    { name: "word_out", shape: [2, 1], datatype: "BYTES", parameters: { binary_data_size: 11 } },
    { name: "flag_out", shape: [2, 1], datatype: "BOOL", data: [true, false] },
  ]);
  expect(bytes).toEqual(Buffer.from("\x03\0\0\0é\n\0\0\0\0"));
  expect((await world.post("/v2/models/echo/versions/99/infer", whole)).json()).toMatchObject({ field: "version" });
});

test("the churn model answers by tensors what it answers elsewhere", async () => {
  await using world = await openWorld(CHURN);
  const rows = goldenRows(true);
  const matrix = Float32Array.from(rows.flatMap(({ features }) => features.map((value) => value ?? Number.NaN)));
  const shape = [rows.length, matrix.length / rows.length];
  const { name } = (await world.get("/v2/models/nan")).json().inputs[0];
  const bytes = Buffer.from(matrix.buffer);
  const parameters = { binary_data_size: bytes.length };
  const answer = await inferBinary(
    world,
    "/v2/models/nan/infer",
    {
      parameters: { binary_data_output: true },
      inputs: [{ name, shape, datatype: "FP32", parameters }],
      outputs: [{ name: "probabilities" }],
    },
    bytes,
  );
  expect(answer.statusCode, answer.body).toBe(200);
  const { json, bytes: found } = binaryAnswer(answer);
  expect(json.outputs[0]).toMatchObject({ shape: [rows.length, 2], datatype: "FP32" });
  const probabilities = new Float32Array(new Uint8Array(found).buffer);
  for (const [row, { onnx }] of rows.entries()) expect(probabilities[row * 2 + 1]).toBeCloseTo(onnx[1], 6);
});

const [f32, f64, ...others] = whole.inputs as [(typeof whole.inputs)[0], ...typeof whole.inputs];
const withFirst = (change: object) => ({ ...whole, inputs: [{ ...f32, ...change }, f64, ...others] });

test.each<[string, unknown, number, string | undefined]>([
  ["no body", "", 400, "body"],
  ["no JSON", "{", 400, undefined],
  ["a NaN token", JSON.stringify(whole).replace("0.1", "NaN"), 400, undefined],
  ["no inputs", { inputs: [] }, 422, "inputs"],
  ["an input too few", { ...whole, inputs: whole.inputs.slice(1) }, 422, "inputs"],
  ["an input twice", { ...whole, inputs: [...whole.inputs, f32] }, 422, "inputs.6.name"],
  ["an unknown input", withFirst({ name: "f33" }), 422, "inputs.0.name"],
  ["another type", withFirst({ datatype: "FP64" }), 422, "inputs.0.datatype"],
  ["a type that is none", withFirst({ datatype: "float" }), 422, "inputs.0.datatype"],
  ["half precision", withFirst({ datatype: "FP16" }), 422, "inputs.0.datatype"],
  ["another rank", withFirst({ shape: [2] }), 422, "inputs.0.shape"],
  ["another width", withFirst({ shape: [1, 2] }), 422, "inputs.0.shape"],
  ["no rows", withFirst({ shape: [0, 1], data: [] }), 422, "inputs.0.shape"],
  ["a negative size", withFirst({ shape: [-2, 1] }), 422, "inputs.0.shape.0"],
  ["a size beyond int64", JSON.stringify(whole).replace("[2,1]", "[18446744073709551616,1]"), 422, "inputs.0.shape.0"],
  ["too many rows", withFirst({ shape: [10001, 1] }), 413, "inputs.0.shape"],
  ["rows that differ", withFirst({ shape: [1, 1], data: [1] }), 422, "inputs.1.shape"],
  ["an element too few", withFirst({ data: [1] }), 422, "inputs.0.data"],
  ["other nesting", withFirst({ data: [[1, 2]] }), 422, "inputs.0.data"],
  ["ragged nesting", withFirst({ data: [[1], 2] }), 422, "inputs.0.data"],
  ["null", withFirst({ data: [1, null] }), 422, "inputs.0.data.1"],
  ["text for a number", withFirst({ data: ["1", 2] }), 422, "inputs.0.data.0"],
  ["text with U+0000", JSON.stringify(whole).replace("\\n", "\\u0000"), 422, "inputs.5.data.0"],
  ["half a character", JSON.stringify(whole).replace("\\n", "\\ud83d"), 422, "inputs.5.data.0"],
  ["beyond float32", withFirst({ data: [1e39, 2] }), 422, "inputs.0.data.0"],
  ["neither data nor bytes", withFirst({ data: undefined }), 422, "inputs.0"],
  ["both", withFirst({ parameters: { binary_data_size: 8 } }), 422, "inputs.0"],
  [
    "bytes that are not sent",
    withFirst({ data: undefined, parameters: { binary_data_size: 8 } }),
    422,
    "inputs.0.parameters.binary_data_size",
  ],
  ["an unknown output", { ...whole, outputs: [{ name: "f32" }] }, 422, "outputs.0.name"],
  ["an output twice", { ...whole, outputs: [{ name: "f32_out" }, { name: "f32_out" }] }, 422, "outputs.1.name"],
  ["what another server has", { ...whole, parameters: { sequence_id: 1 } }, 422, "parameters.sequence_id"],
  ["an unknown member", { ...whole, model: "echo" }, 422, "model"],
])("%s is refused", async (_, body, status, field) => {
  const world = await shared();
  const answer = await world.post(INFER, body);
  expect([answer.statusCode, answer.json().field], answer.body).toEqual([status, field]);
  expect(answer.json()).toMatchObject({ error: expect.any(String), code: expect.any(String) });
});
