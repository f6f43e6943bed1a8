import { isDeepStrictEqual } from "node:util";
import { parseJson } from "@larder/schema";
import type { Pair } from "./golden.ts";

/** What Larder answered. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Column {
  readonly values: readonly unknown[];
  readonly statuses: readonly string[];
  readonly event_timestamps: readonly string[];
}

/** An answer of /get-online-features by column: whichever order Feast's features came in. */
interface Features {
  /** Columns in order, of which the features' is no matter. */
  readonly entities: readonly string[];
  readonly columns: Readonly<Record<string, Column>>;
  readonly metadata: unknown;
}

/** True where Larder answers what Feast answered: the same columns, values, statuses and times; and `degraded: false`, which is Larder's own. */
export function isEqual({ request, status, body }: Pair, answer: Answer): boolean {
  if (status !== answer.status) return false;
  if (request.path !== "/get-online-features" || status !== 200) return inOrder(body) === inOrder(answer.body);
  return isDeepStrictEqual(featuresOf(answer.body, request), featuresOf(body, request));
}

/** True where all that differs is the status of values that are not there: Feast says PRESENT of a row that is missing and of null. */
export function differsInStatuses({ request, body }: Pair, answer: Answer): boolean {
  if (answer.status !== 200) return false;
  const feast = featuresOf(body, request);
  const larder = featuresOf(answer.body, request);
  const columns = Object.entries(larder.columns).map(([name, column]) => [
    name,
    {
      ...column,
      statuses: column.statuses.map((status, row) => {
        const missing = column.event_timestamps[row] === EPOCH;
        return column.values[row] === null && status === (missing ? "NOT_FOUND" : "NULL_VALUE") ? "PRESENT" : status;
      }),
    },
  ]);
  return isDeepStrictEqual({ ...larder, columns: Object.fromEntries(columns) }, feast);
}

/** True for an error as Feast's client takes it: a JSON text of JSON, which names the exception to raise. */
export function isFeastError(answer: Answer): boolean {
  const inner = JSON.parse(answer.body) as unknown;
  if (typeof inner !== "string") return false;
  const { module, class: name, message } = JSON.parse(inner) as Record<string, unknown>;
  return module === "feast.errors" && typeof name === "string" && typeof message === "string";
}

/** True where no feature was found for any row. */
export function hasNothing({ request }: Pair, answer: Answer): boolean {
  const { entities, columns } = featuresOf(answer.body, request);
  return Object.entries(columns).every(
    ([name, { statuses }]) => entities.includes(name) || statuses.every((status) => status === "NOT_FOUND"),
  );
}

/** Feast takes the names of a collision from a set, whose order differs between processes. */
function inOrder(error: string): string {
  return error.replace(/(?<=Duplicate features named )[\w, ]+(?= found)/, (names) =>
    names.split(", ").sort().join(", "),
  );
}

const EPOCH = "1970-01-01T00:00:00Z";

function featuresOf(text: string, { body }: Pair["request"]): Features {
  const { results, metadata } = parseJson(text) as {
    results: readonly Column[];
    metadata: Readonly<Record<string, unknown>> & { readonly feature_names: readonly string[] };
  };
  const { feature_names: names, degraded, ...more } = metadata;
  if (degraded !== undefined && degraded !== false) throw new Error("A degraded answer.");
  const asked = Object.keys((body as { entities: object }).entities);
  const entities = names.filter((name) => asked.includes(name));
  if (!isDeepStrictEqual(names.slice(0, entities.length), entities))
    throw new Error("Entity columns do not come first.");
  return {
    entities,
    columns: Object.fromEntries(names.map((name, i) => [name, results[i] as Column])),
    metadata: more,
  };
}
