import { scalarOf } from "@larder/schema";
import type { EngineRow } from "../offline/offline-engine.ts";
import { featureColumn } from "../offline/source-scan.ts";
import { quoteText } from "../offline/sql-text.ts";
import { joinedTable } from "../point-in-time/build-sql.ts";
import type { OutputFeature } from "../point-in-time/join-spec.ts";
import {
  type HeldOut,
  isEnough,
  judgeAuc,
  judgeCorrelation,
  judgeHeldOut,
  judgePairing,
  lambdaOf,
} from "./evidence.ts";
import { type FoundFact, isAtLeast, type Severity } from "./finding.ts";
import { exampleAt, type LintContext, numberOf, percent } from "./lint-context.ts";
import { type LabelClasses, LINT_ROWS } from "./lint-rows.ts";

const NUMBERS: ReadonlySet<string> = new Set(["int32", "int64", "float32", "float64", "unix_timestamp"]);
/** A number of at most this many values is looked at as a category, too. */
const FEW_VALUES = 100;

/** One feature beside the label. */
interface Subject {
  readonly context: LintContext;
  readonly label: LabelClasses;
  /** Rows of `lint_rows` that have a label, as `r`, with the feature's row `j` where there is one. */
  readonly from: string;
  /** SQL of the feature's value. */
  readonly value: string;
  readonly name: string;
}

type Verdict = Pick<FoundFact, "code" | "severity" | "what">;

/** Features that tell the label: the label itself under another name, or an association that is too good. At most one finding per feature. */
export async function checkLabel(context: LintContext): Promise<FoundFact[]> {
  const { label, views } = context;
  if (label === undefined || label.classes.length < 2) return [];
  const found: FoundFact[] = [];
  for (const [index, { projection }] of views.entries()) {
    const from = `${LINT_ROWS} AS r LEFT JOIN ${joinedTable(index)} AS j ON j.row_no = r.row_no WHERE r.label IS NOT NULL`;
    for (const output of projection.features) {
      const subject = { context, label, from, value: `j.${featureColumn(output.feature)}`, name: output.output };
      const verdict = gravest(await verdictsOn(subject, output));
      if (verdict === undefined) continue;
      found.push({
        ...verdict,
        view: projection.name,
        feature: output.output,
        rows: label.rows,
        example: await exampleOf(subject),
      });
    }
  }
  return found;
}

async function verdictsOn(subject: Subject, { type }: OutputFeature): Promise<Verdict[]> {
  const scalar = scalarOf(type);
  const isNumber = type === scalar && NUMBERS.has(scalar);
  if (subject.label.quantity) {
    if (!isNumber && type !== "string") return [];
    const number = type === "string" ? `TRY_CAST(${subject.value} AS DOUBLE)` : `CAST(${subject.value} AS DOUBLE)`;
    return correlation(subject, number);
  }
  if (!isNumber) return categories(subject, subject.value);
  const number = `CAST(${subject.value} AS DOUBLE)`;
  const ranked = await ranks(subject, number);
  return [
    ...ranked.verdicts,
    ...(ranked.values <= Math.max(FEW_VALUES, ranked.rows / 2) ? await categories(subject, subject.value) : []),
    ...(ranked.rows < subject.label.rows
      ? await categories(subject, `(${subject.value} IS NULL)`, "whether it is null")
      : []),
  ];
}

/**
 * Identity up to a bijection, and lambda on held-out entities. Null is a value for the second and none for the first.
 */
async function categories(
  { context, label, from, value, name }: Subject,
  sql: string,
  told = "it",
): Promise<Verdict[]> {
  const { runner } = context;
  const major = quoteText(label.classes[0]!.label);
  await runner.run(`CREATE OR REPLACE TEMP TABLE lint_pairs AS
SELECT fold, f, label, count(*) AS c, count(*) FILTER (fresh) AS runs
FROM (SELECT r.fold, r.fresh, r.label, ${sql} AS f FROM ${from}) GROUP BY fold, f, label`);
  const held = await runner.row(`WITH best AS (
  SELECT fold, f, label FROM lint_pairs QUALIFY row_number() OVER (PARTITION BY fold, f ORDER BY c DESC, label) = 1
), base AS (
  SELECT fold, label FROM (SELECT fold, label, sum(c) AS c FROM lint_pairs GROUP BY fold, label)
  QUALIFY row_number() OVER (PARTITION BY fold ORDER BY c DESC, label) = 1
), guessed AS (
  SELECT g.c, g.runs, g.label, coalesce(best.label, base.label) AS guess FROM lint_pairs AS g
  JOIN base ON base.fold = 1 - g.fold LEFT JOIN best ON best.fold = 1 - g.fold AND best.f IS NOT DISTINCT FROM g.f
)
SELECT CAST(sum(c) FILTER (label <> ${major}) AS BIGINT) AS minority, CAST(sum(runs) FILTER (label <> ${major}) AS BIGINT) AS evidence,
  CAST(sum(c) FILTER (guess <> label) AS BIGINT) AS errors, CAST(sum(c) FILTER (guess <> ${major}) AS BIGINT) AS guessed,
  CAST(sum(c) FILTER (guess <> ${major} AND guess = label) AS BIGINT) AS hits
FROM guessed`);
  const verdicts: Verdict[] = [];
  const counts: HeldOut = {
    minority: numberOf(held, "minority"),
    evidence: numberOf(held, "evidence"),
    errors: numberOf(held, "errors"),
    guessed: numberOf(held, "guessed"),
    hits: numberOf(held, "hits"),
  };
  const severity = judgeHeldOut(counts);
  if (severity !== undefined) {
    const lambda = lambdaOf(counts);
    const whole = `${told} saves ${percent(counts.minority - counts.errors, counts.minority)} of the errors in guessing "${label.column}"`;
    const part = `${told} tells ${counts.hits} of ${counts.minority} rows of the rarer labels, ${percent(counts.hits, counts.guessed)} of them right`;
    const what = `Feature "${name}": ${lambda >= 0.9 ? whole : part}, on entities that this was not learned from`;
    verdicts.push({ code: "FEATURE_PREDICTS_LABEL", severity, what });
  }
  if (sql === value) {
    const pairing = pairingOf(await runner.row(PAIRING));
    if (pairing !== undefined) {
      const what = `Feature "${name}" has one value for each value of "${label.column}", in all ${pairing.rows} rows that have both`;
      verdicts.push({ code: "FEATURE_IS_LABEL", severity: pairing.severity, what });
    }
  }
  return verdicts;
}

const PAIRING = `WITH g AS (SELECT f, label, sum(c) AS c, sum(runs) AS runs FROM lint_pairs WHERE f IS NOT NULL GROUP BY f, label)
SELECT count(*) AS pairs, count(DISTINCT f) AS values, count(DISTINCT label) AS labels, CAST(sum(c) AS BIGINT) AS n,
  CAST(sum(runs) - arg_max(runs, (c, label)) AS BIGINT) AS evidence, sum(lgamma(c + 1)) AS log_counts,
  (SELECT sum(lgamma(k + 1)) FROM (SELECT count(*) AS k FROM g GROUP BY c)) AS log_repeats
FROM g`;

function pairingOf(row: EngineRow): { readonly rows: number; readonly severity: Severity } | undefined {
  const pairs = numberOf(row, "pairs");
  if (pairs < 2 || pairs !== numberOf(row, "values") || pairs !== numberOf(row, "labels")) return undefined;
  const severity = judgePairing({
    rows: numberOf(row, "n"),
    evidence: numberOf(row, "evidence"),
    logCounts: numberOf(row, "log_counts"),
    logRepeats: numberOf(row, "log_repeats"),
  });
  return severity === undefined ? undefined : { rows: numberOf(row, "n"), severity };
}

/**
 * Area under the ROC curve of a number for each class against the others, by Mann and Whitney's U over mid-ranks, in whole numbers. Also how many rows
 * and (about) how many values there are.
 */
async function ranks({ context, label, from, name }: Subject, number: string) {
  const rows = await context.runner.rows(`WITH g AS (
  SELECT v, label, count(*) AS c, count(*) FILTER (fresh) AS runs
  FROM (SELECT r.label, r.fresh, ${number} AS v FROM ${from}) WHERE v IS NOT NULL AND NOT isnan(v) GROUP BY v, label
), t AS (SELECT v, sum(c) AS t FROM g GROUP BY v
), m AS (SELECT v, 2 * (sum(t) OVER (ORDER BY v) - t) + t + 1 AS twice FROM t)
SELECT label, CAST(sum(c) AS BIGINT) AS n, CAST(sum(runs) AS BIGINT) AS runs, CAST(sum(c * twice) AS DOUBLE) AS twice,
  (SELECT count(*) FROM t) AS values
FROM g JOIN m USING (v) GROUP BY label ORDER BY n DESC, label LIMIT 20`);
  const total = rows.reduce((sum, row) => sum + numberOf(row, "n"), 0);
  const runs = rows.reduce((sum, row) => sum + numberOf(row, "runs"), 0);
  const verdicts: Verdict[] = [];
  for (const row of rows.length === 2 ? rows.slice(1) : rows) {
    const n = numberOf(row, "n");
    if (n === total) continue;
    const auc = (numberOf(row, "twice") - n * (n + 1)) / (2 * n * (total - n));
    const severity = judgeAuc(auc, numberOf(row, "runs"), runs - numberOf(row, "runs"));
    if (severity === undefined) continue;
    const shown = Math.max(auc, 1 - auc).toFixed(4);
    const what = `Feature "${name}" tells ${label.column} = "${String(row["label"])}" from the rest with an AUC of ${shown}, over ${total} rows`;
    verdicts.push({ code: "FEATURE_PREDICTS_LABEL", severity, what });
  }
  return { verdicts, rows: total, values: numberOf(rows[0] ?? {}, "values") };
}

/** Pearson's and Spearman's correlation. Ordered, so that every run adds up in the same order; numbers whose squares overflow are left out. */
async function correlation({ context, label, from, name }: Subject, number: string): Promise<Verdict[]> {
  const row = await context.runner.row(`WITH x AS (
  SELECT r.row_no, r.fresh, r.y, ${number} AS v FROM ${from}
), finite AS (SELECT * FROM x WHERE abs(v) < 1e100 AND abs(y) < 1e100
), ranked AS (
  SELECT *, rank() OVER (ORDER BY v) + (count(*) OVER (PARTITION BY v) - 1) / 2.0 AS rv,
    rank() OVER (ORDER BY y) + (count(*) OVER (PARTITION BY y) - 1) / 2.0 AS ry FROM finite
)
SELECT count(*) AS n, count(*) FILTER (fresh) AS runs, corr(v, y ORDER BY row_no) AS pearson, corr(rv, ry ORDER BY row_no) AS spearman FROM ranked`);
  const [pearson, spearman] = [finite(row, "pearson"), finite(row, "spearman")];
  const evidence = numberOf(row, "runs");
  const judged = judgeCorrelation({ evidence, pearson, spearman });
  if (judged === undefined) return [];
  const shown = `Pearson's r is ${pearson.toFixed(4)}, Spearman's ${spearman.toFixed(4)}, over ${numberOf(row, "n")} rows`;
  if (judged === "identity") {
    const what = `Feature "${name}" is "${label.column}" in another unit or scale: ${shown}`;
    return [{ code: "FEATURE_IS_LABEL", severity: isEnough(evidence) ? "error" : "warning", what }];
  }
  const what = `Feature "${name}" goes with "${label.column}": ${shown}`;
  return [{ code: "FEATURE_PREDICTS_LABEL", severity: "warning", what }];
}

/** Correlations of a constant are none: NULL or NaN. */
function finite(row: EngineRow, column: string): number {
  const value = numberOf(row, column);
  return Number.isFinite(value) ? value : 0;
}

/** The identity before an association of the same gravity; of associations the first. */
function gravest(verdicts: readonly Verdict[]): Verdict | undefined {
  return verdicts.reduce<Verdict | undefined>((best, next) => {
    if (best === undefined) return next;
    const graver = isAtLeast(next, best.severity) && !isAtLeast(best, next.severity);
    return graver || (next.severity === best.severity && next.code < best.code) ? next : best;
  }, undefined);
}

/** A row of a rarer label with a value, if there is one. */
async function exampleOf({ context, label, from, value, name }: Subject): Promise<FoundFact["example"]> {
  const major = label.quantity ? "NULL" : quoteText(label.classes[0]!.label);
  const [row] = await context.runner.rows(
    `SELECT r.row_no, r.label, CAST(${value} AS VARCHAR) AS value FROM ${from}
     ORDER BY ${value} IS NULL, r.label IS NOT DISTINCT FROM ${major}, r.row_no LIMIT 1`,
  );
  return exampleAt(context, row?.["row_no"], { [label.column]: row?.["label"], [name]: row?.["value"] });
}
