import { CUSTOMERS, FEATURES } from "./data.ts";
import { bodyOf, PATH, type Work } from "./peers.ts";
import { post } from "./server-process.ts";

/** A server that runs, for one kind of work. */
export interface Answering {
  readonly name: string;
  readonly port: number;
}

/** Predictions may differ by so much: ONNX Runtime computes in float32. */
const TOLERANCE = 1e-5;
const ROWS = 100;
const WAIT_MS = 60_000;

/**
 * Asks all servers for the same customers and compares each answer, value by value, with the first one's. A fast server that answers something else
 * proves nothing. Answers how many values were compared; throws the first difference.
 */
export async function proveSameAnswers(work: Work, servers: readonly Answering[]): Promise<number> {
  const customers = Array.from({ length: ROWS }, (_, i) => 1 + ((i * 97) % CUSTOMERS));
  const answers: Values[] = [];
  // One after the other: they share a core, and none is to wait for another.
  for (const { name, port } of servers) {
    const answer = await post(port, PATH[work], bodyOf(work, customers), WAIT_MS);
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${name} answered ${answer.status} to ${work}: ${text.slice(0, 500)}`);
    answers.push({ name, values: work === "lookup" ? lookedUp(JSON.parse(text)) : predicted(JSON.parse(text)) });
  }
  const [first, ...others] = answers;
  if (first === undefined) throw new Error(`Nobody to compare for ${work}`);
  const tolerance = work === "lookup" ? 0 : TOLERANCE;
  for (const { name, values } of others) compare({ name, values }, first, tolerance, work);
  return first.values.length * others.length;
}

interface Values {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

function compare(other: Values, first: Values, tolerance: number, work: Work): void {
  if (other.values.length !== first.values.length) {
    throw new Error(`${work}: ${other.name} has ${other.values.length} values, ${first.name} ${first.values.length}`);
  }
  first.values.forEach((value, i) => {
    const theirs = other.values[i];
    // Servers may answer null, which counts as 0 where it is reckoned with. NaN on either side is a difference.
    if (typeof theirs === "number" && typeof value === "number" && Math.abs(theirs - value) <= tolerance) return;
    throw new Error(`${work}: value ${i} is ${value} for ${first.name} and ${theirs} for ${other.name}`);
  });
}

interface LookedUp {
  readonly metadata: { readonly feature_names: readonly string[] };
  readonly results: readonly { readonly values: readonly (number | null)[]; readonly statuses: readonly string[] }[];
}

interface Predicted {
  readonly predictions: readonly { readonly churn_probability: number | null }[];
}

/** Feature after feature in the order of the model, whatever order the server has them in. All have to be there. */
function lookedUp({ metadata, results }: LookedUp): readonly (number | null)[] {
  return FEATURES.flatMap((name) => {
    const column = results[metadata.feature_names.indexOf(name)];
    if (column === undefined || column.statuses.some((status) => status !== "PRESENT")) {
      throw new Error(`A server lacks ${name}`);
    }
    return column.values;
  });
}

function predicted({ predictions }: Predicted): readonly (number | null)[] {
  return predictions.map(({ churn_probability }) => churn_probability);
}
