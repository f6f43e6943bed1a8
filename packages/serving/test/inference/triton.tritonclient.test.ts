import { join } from "node:path";
import { runProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { echoWorld } from "./exchange.ts";

const PEER = join(import.meta.dirname, "triton_peer.py");

test("an application on Triton's client asks for health, metadata and tensors, binary and as JSON, and is told what was wrong", async () => {
  await using world = await echoWorld();
  const url = await world.app.listen({ host: "127.0.0.1", port: 0 });
  const python = join(process.env["LARDER_CACHE"] ?? "", "servers", "tritonclient", "bin", "python");
  const env = { PYTHONDONTWRITEBYTECODE: "1" };
  const { stdout } = await runProcess(python, [PEER, url.replace("http://", "")], { env, ms: 120_000 });
  const told = JSON.parse(stdout.replaceAll("4611686018427387904", '"2^62"'));
  const all = {
    f32_out: [Math.fround(0.1), 2],
    f64_out: [0.1, 1e300],
    i32_out: [-5, 7],
    i64_out: ["2^62", -1],
    flag_out: [true, false],
    word_out: ["é", "zwei Wörter"],
  };
  const some = { word_out: all.word_out, f64_out: all.f64_out };
  expect(told).toMatchObject({
    live: true,
    ready: true,
    "model ready": true,
    "unknown ready": false,
    server: { name: "larder" },
    metadata: { name: "echo", inputs: expect.arrayContaining([{ name: "f32", datatype: "FP32", shape: [-1, 1] }]) },
    index: [{ name: "echo", state: "READY" }],
    id: "7",
    binary: all,
    json: some,
    "of version": some,
    wrong: { status: "422", message: expect.stringContaining('Input "f32" is missing') },
    unknown: { status: "404", message: expect.stringContaining("nobody") },
  });
});
