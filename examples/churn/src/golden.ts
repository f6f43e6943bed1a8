import { readFile } from "node:fs/promises";
import type { Features } from "./telco.ts";

/** One row of models/golden_predictions.json. */
export interface GoldenRow {
  /** null for the rows that were made by hand: they are no customers of the sample. */
  readonly customerId: number | null;
  readonly inputs: Features;
  /** P(churn) as ONNX Runtime for Python answers it. */
  readonly probability: number;
}

/** How far a prediction may be from a golden one. */
export const TOLERANCE = 1e-5;

/** Reads the golden predictions. @throws when the file is absent or has another form. */
export async function readGolden(file: string): Promise<readonly GoldenRow[]> {
  const golden: GoldenFile = JSON.parse(await readFile(file, "utf8"));
  return golden.rows.map(({ customer_id, inputs, onnx }) => ({
    customerId: customer_id,
    inputs,
    probability: onnx[1],
  }));
}

/** The file as it is. */
interface GoldenFile {
  readonly rows: readonly {
    readonly customer_id: number | null;
    readonly inputs: Features;
    /** P(stay), P(churn). */
    readonly onnx: readonly [number, number];
  }[];
}
