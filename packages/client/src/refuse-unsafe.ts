import type { PredictAnswer } from "@larder/contract";
import { readValue } from "./read-value.ts";

/** @throws UNSAFE_INTEGER for a predicted integer beyond 2^53, which a number cannot hold */
export function refuseUnsafe({ predictions }: PredictAnswer): void {
  predictions.forEach((prediction, row) => {
    for (const [name, value] of Object.entries(prediction ?? {})) {
      for (const each of Array.isArray(value) ? value : [value]) {
        readValue(each, undefined, "number", `"${name}" of row ${row}`);
      }
    }
  });
}
