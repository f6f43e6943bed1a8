import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import type { LightMyRequestResponse } from "fastify";
import { identityModel } from "../support/onnx-file.ts";
import { openWorld, type World } from "../support/world.ts";

/** A server of a model "echo" that answers each of its inputs, one of every type, by an output named `<input>_out`. */
export async function echoWorld(): Promise<World> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "echo.onnx");
  await writeFile(path, identityModel(INPUTS));
  return await openWorld(MIXED.replace("PATH", path));
}

/** Sends a body of the binary extension: JSON, and then bytes. */
export function inferBinary(
  world: World,
  path: string,
  request: unknown,
  bytes: Buffer,
  headers: Record<string, string> = {},
): Promise<LightMyRequestResponse> {
  const json = Buffer.from(JSON.stringify(request));
  return world.app.inject({
    method: "POST",
    url: path,
    headers: { "inference-header-content-length": String(json.length), ...headers },
    payload: Buffer.concat([json, bytes]),
  });
}

/** The JSON and the bytes of an answer of the binary extension. */
export function binaryAnswer({ headers, rawPayload }: LightMyRequestResponse) {
  const length = Number(headers["inference-header-content-length"]);
  return { json: JSON.parse(rawPayload.subarray(0, length).toString()), bytes: rawPayload.subarray(length) };
}

/** One feature of each type that feeds a model input of the same type, for a model of these inputs. */
const MIXED = `
project: shop
online_store: { type: memory }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
feature_views:
  - name: mixed
    entity: customer
    features:
      - { name: f32, type: float32 }
      - { name: f64, type: float64 }
      - { name: i32, type: int32 }
      - { name: i64, type: int64 }
      - { name: flag, type: bool }
      - { name: word, type: string }
feature_services:
  - { name: mixed_v1, features: ["mixed:f32", "mixed:f64", "mixed:i32", "mixed:i64", "mixed:flag", "mixed:word"] }
models:
  - { name: echo, path: PATH, feature_service: mixed_v1, prediction: { name: p, output: f32_out, index: 0 } }
`;

const INPUTS = [
  { name: "f32", type: "float32", shape: ["n", 1] },
  { name: "f64", type: "float64", shape: ["n", 1] },
  { name: "i32", type: "int32", shape: ["n", 1] },
  { name: "i64", type: "int64", shape: ["n", 1] },
  { name: "flag", type: "bool", shape: ["n", 1] },
  { name: "word", type: "string", shape: ["n", 1] },
] as const;
