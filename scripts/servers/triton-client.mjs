import { providePython } from "./python-environment.mjs";

/** Triton's Python client, which speaks the Open Inference Protocol over HTTP: some 170 MB. */
export function provideTritonClient(options) {
  const distribution = "tritonclient";
  const title = "Triton's Python client";
  return providePython({ ...options, name: "tritonclient", title, requirement: "tritonclient[http]", distribution });
}
