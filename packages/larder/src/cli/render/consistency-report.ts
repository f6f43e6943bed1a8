import type { CellDifference, ConsistencyReport } from "@larder/training-features";
import { renderTable } from "./table.ts";

const VERDICTS = ["match", "late", "behind", "mismatch", "missing", "extra", "degraded", "overridden"] as const;

/** A comparison for a reader: a line per feature, then rows that differ. */
export function consistencyText({ rows, files, features, notices, consistent }: ConsistencyReport): string {
  const table = renderTable(
    ["tenant", "model", "feature", ...VERDICTS, "max abs", "max rel"],
    features.map(({ tenant, model, feature, verdicts, max_abs_error, max_rel_error }) => [
      tenant,
      model,
      feature,
      ...VERDICTS.map((verdict) => verdicts[verdict]),
      errorText(max_abs_error),
      errorText(max_rel_error),
    ]),
  );
  const examples = features.flatMap(({ feature, examples: shown }) => shown.map((row) => exampleText(feature, row)));
  const head = `${rows} row${rows === 1 ? "" : "s"} of ${files} file${files === 1 ? "" : "s"}: ${consistent ? "consistent" : "not consistent"}`;
  return [
    `${head}\n\n${table}`,
    ...examples.map((line) => `${line}\n`),
    ...notices.map((text) => `note: ${text}\n`),
  ].join("");
}

function errorText(error: number | null): string {
  return error === null ? "" : error.toPrecision(3);
}

function exampleText(feature: string, row: CellDifference): string {
  const entity = Object.entries(row.entity).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const side = (value: string | null, status: string) => (value === null ? status : JSON.stringify(value));
  const logged = side(row.logged, row.logged_status);
  return `${row.verdict} ${feature} of ${entity.join(", ")} at ${row.served_at} (request ${row.request_id}): logged ${logged}, offline ${side(row.offline, row.offline_status)}`;
}
