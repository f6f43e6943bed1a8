import type { EngineRow, EngineValue } from "../offline/offline-engine.ts";
import type { StatementRunner } from "../offline/statement-runner.ts";
import type { ViewResult } from "../point-in-time/run-join.ts";
import type { EntityRows } from "../training-set/entity-rows.ts";
import type { LintExample } from "./finding.ts";
import type { LabelClasses } from "./lint-rows.ts";

/** What every check works on: the joined tables, and the table `lint_rows` beside them. */
export interface LintContext {
  readonly runner: StatementRunner;
  readonly entities: EntityRows;
  readonly views: readonly ViewResult[];
  /** undefined where no label was named. */
  readonly label: LabelClasses | undefined;
  readonly splitColumn: string | undefined;
  /** Microseconds. */
  readonly now: number;
  /** For statements that read a view's files. */
  sourceRunner(view: ViewResult): StatementRunner;
}

/** Names of the key columns of `lint_rows`: the join columns of the entity rows, or one that is always 0. */
export function lintKeys(entities: EntityRows): string[] {
  return Array.from({ length: Math.max(entities.keys.size, 1) }, (_, i) => `k${i}`);
}

/** The entity row at a position, with its keys, its time and what else matters. */
export async function exampleAt(
  { runner, entities }: LintContext,
  row: EngineValue | undefined,
  values: Readonly<Record<string, EngineValue | undefined>> = {},
): Promise<LintExample | null> {
  if (row === null || row === undefined) return null;
  const keys = [...entities.keys];
  const select = [`${entities.time} AS moment`, ...keys.map(([, sql], i) => `CAST(${sql} AS VARCHAR) AS k${i}`)];
  const found = await runner.row(`SELECT ${select.join(", ")} FROM entity_rows WHERE rowid = ${Number(row)}`);
  const shown: Record<string, string> = {};
  for (const [i, [column]] of keys.entries()) shown[column] = text(found[`k${i}`]);
  shown["time"] = timeText(found["moment"]);
  for (const [name, value] of Object.entries(values)) shown[name] = text(value);
  return { row: Number(row), values: shown };
}

/** Microseconds as ISO text; all of int64, which is more than a Date holds. */
export function timeText(micros: EngineValue | undefined): string {
  if (micros === null || micros === undefined) return "null";
  const all = BigInt(String(micros));
  const rest = ((all % 1000n) + 1000n) % 1000n;
  const date = new Date(Number((all - rest) / 1000n));
  if (Number.isNaN(date.getTime())) return `${all} us`;
  return `${date.toISOString().slice(0, -1)}${String(rest).padStart(3, "0")}Z`;
}

/** A count or a number of an aggregate; null is 0. */
export function numberOf(row: EngineRow, column: string): number {
  return Number(row[column] ?? 0);
}

/** A share as text: `12.5 %`. */
export function percent(part: number, whole: number): string {
  return `${whole === 0 ? 0 : Math.round((1000 * part) / whole) / 10} %`;
}

function text(value: EngineValue | undefined): string {
  const full = String(value ?? "null");
  return full.length > 100 ? `${full.slice(0, 100)}…` : full;
}
