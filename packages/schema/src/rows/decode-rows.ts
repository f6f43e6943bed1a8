import type { FeatureView } from "../definitions.ts";
import { LarderError, type Problem } from "../errors.ts";
import { show } from "../fault.ts";
import type { FeatureRow } from "../row.ts";

/** Options of {@link decodeRows}. */
export interface DecodeRowsOptions {
  /** The records are deletions: join keys and event time only. Default false. */
  readonly tombstone?: boolean;
  /** Number of the first record in messages and facts. Default 0, as in a request's lists; a file of lines starts at 1. */
  readonly firstRow?: number;
}

/** Most problems that one error lists. */
const MAX_PROBLEMS = 100;

/**
 * Decodes the records of one write, all or none. A column that no record has is one problem, not one per row.
 * @throws INVALID_ROWS with up to 100 problems; `facts.rows` are the numbers of the rows at fault (up to 100), `facts.invalid` is how many
 */
export function decodeRows(
  view: FeatureView,
  records: readonly Readonly<Record<string, unknown>>[],
  options: DecodeRowsOptions = {},
): FeatureRow[] {
  const { tombstone = false, firstRow = 0 } = options;
  const { rowDecoder } = view;
  const rows: FeatureRow[] = [];
  const failures: { readonly row: number; readonly problems: readonly Problem[] }[] = [];
  let invalid = 0;
  for (let i = 0; i < records.length; i++) {
    const record: unknown = records[i];
    const row = firstRow + i;
    const decoded = isRecord(record)
      ? rowDecoder[tombstone ? "decodeTombstone" : "decode"](record, `row ${row}`)
      : { ok: false as const, problems: [notARecord(record, row)] };
    if (decoded.ok) {
      rows.push(decoded.row);
    } else {
      invalid++;
      if (failures.length < MAX_PROBLEMS) failures.push({ row, problems: decoded.problems });
    }
  }
  if (invalid === 0) return rows;
  const columns = new Set(records.flatMap((record) => (isRecord(record) ? Object.keys(record) : [])));
  const missing = rowDecoder.missingColumns([...columns], { tombstone });
  const problems = [
    ...missing.map((name) => missingEverywhere(name, columns)),
    ...failures.flatMap((failure) => failure.problems.filter(({ field }) => !missing.includes(field))),
  ];
  const [first] = problems;
  throw new LarderError("INVALID_ROWS", {
    what:
      `${invalid} of ${records.length} rows for feature view "${view.name}" cannot be taken` +
      (first === undefined ? "" : `; ${first.place}: ${first.field} ${first.what}`),
    remedy: first?.remedy ?? "Correct the rows and send them again",
    facts: { view: view.name, rows: failures.map(({ row }) => row), invalid },
    problems: problems.slice(0, MAX_PROBLEMS),
  });
}

function isRecord(record: unknown): record is Readonly<Record<string, unknown>> {
  return typeof record === "object" && record !== null && !Array.isArray(record);
}

function notARecord(record: unknown, row: number): Problem {
  return {
    place: `row ${row}`,
    field: "row",
    what: `is ${show(record)}, not an object`,
    remedy: "Send each row as an object of columns",
  };
}

function missingEverywhere(name: string, columns: ReadonlySet<string>): Problem {
  const given = [...columns].slice(0, 20).map((column) => column.slice(0, 60));
  return {
    place: "all rows",
    field: name,
    what: "is missing",
    remedy: `Send the column "${name}"; given: ${given.length === 0 ? "none" : given.join(", ")}`,
  };
}
