import { type FeatureView, LarderError } from "@larder/schema";

/**
 * A folder that belongs to a table format holds files that are no rows of the table any more, so it is not read as plain Parquet. `paths` are the files
 * below it, with forward slashes.
 * @throws UNSUPPORTED for Delta and Iceberg
 */
export function refuseTableFormats(view: FeatureView, folder: string, paths: readonly string[]): void {
  const format = paths.some((path) => /(^|\/)_delta_log\/[^/]+\.(json|parquet)$/.test(path))
    ? "Delta"
    : paths.some((path) => /(^|\/)metadata\/[^/]+\.metadata\.json$/.test(path))
      ? "Iceberg"
      : undefined;
  if (format === undefined) return;
  throw new LarderError("UNSUPPORTED", {
    what: `${folder}, the source of feature view "${view.name}", is a table of ${format}: some of its Parquet files may hold rows that it has no more`,
    remedy: `Export the table as plain Parquet (DuckDB's own shell does: COPY (FROM ${format === "Delta" ? "delta_scan" : "iceberg_scan"}('…')) TO 'rows.parquet'), and give that path`,
    facts: { view: view.name, path: folder, format: format.toLowerCase() },
  });
}
