import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { FIXTURES } from "../support/world.ts";

const RUNNER = pathToFileURL(join(import.meta.dirname, "../../src/model/onnx-runner.ts")).href;
const INDEX = pathToFileURL(join(import.meta.dirname, "../../src/index.ts")).href;

/** A process in which onnxruntime-node is not installed. */
const SCRIPT = `
import { registerHooks } from "node:module";
registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== "onnxruntime-node") return next(specifier, context);
    throw Object.assign(new Error("Cannot find package 'onnxruntime-node'"), { code: "ERR_MODULE_NOT_FOUND" });
  },
});
await import("${INDEX}");
const { createOnnxRunner } = await import("${RUNNER}");
try {
  await createOnnxRunner({ name: "churn", path: ${JSON.stringify(join(FIXTURES, "churn/churn.onnx"))} });
} catch (error) {
  console.log(JSON.stringify({ code: error.code, remedy: error.remedy }));
}
`;

test("without onnxruntime-node serving loads, and a model says how to install it", async () => {
  const result = await runProcess(process.execPath, [
    "--conditions=@larder/source",
    "--input-type=module",
    "-e",
    SCRIPT,
  ]);
  expect(result.stderr).toBe("");
  expect(JSON.parse(result.stdout)).toMatchObject({
    code: "MISSING_DEPENDENCY",
    remedy: expect.stringContaining("npm install onnxruntime-node"),
  });
});
