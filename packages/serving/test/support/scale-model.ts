import { onnxFile } from "./onnx-file.ts";

/** A model that answers `scaled` = `value` x 2^doublings: a value tells which version has answered, and each of its rows says the same. */
export function scaleModel(doublings: number): Buffer {
  const names = Array.from({ length: doublings + 1 }, (_, i) => (i === 0 ? "value" : `x${i}`));
  return onnxFile({
    inputs: [{ name: "value", type: "float32", shape: ["n", 1] }],
    outputs: [{ name: "scaled", type: "float32", shape: ["n", 1] }],
    nodes: [
      ...names.slice(1).map((name, i) => ({ op: "Add", inputs: [names[i]!, names[i]!], outputs: [name] })),
      { op: "Identity", inputs: [names.at(-1)!], outputs: ["scaled"] },
    ],
  });
}
