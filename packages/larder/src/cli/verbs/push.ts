import { defineVerb } from "../verb.ts";

/** `larder push VIEW --from FILE`: rows from a file into the online store. */
export const pushVerb = defineVerb<{ readonly from: string }>({
  usage: "push <VIEW>",
  summary: "write the rows of an NDJSON or Parquet file to the online store",
  description: `Each line of an .ndjson file is one JSON object, each row of a .parquet file one row: the view's join keys, all of its features,
event_timestamp, and created if there is one. A row is written if it is newer than what is stored; repeating is safe.

The whole file is checked first: with any bad row, every problem is listed by line and nothing is written.`,
  examples: ["push churn_features --from rows.ndjson", "push churn_features --from rows.parquet --tenant acme"],
  options: (command) => command.option("--from <file>", "rows, as .ndjson or .parquet (required)"),
  required: ["--from"],
  async run(context) {
    const { openStore } = await import("../open-store.ts");
    const { warnOfDifference } = await import("../warn-of-difference.ts");
    const { renderTable } = await import("../render/table.ts");
    const { pushFile } = await import("../../push-file.ts");
    await using opened = await openStore(context);
    await warnOfDifference(opened, context);
    const progress = context.progress("push");
    try {
      const result = await pushFile(opened, {
        view: context.args[0] ?? "",
        file: context.path(context.options.from),
        tenant: context.options.tenant,
        signal: context.signal,
        onProgress: (done) => progress.update({ done }),
      });
      const { view, rows, applied, duplicate, stale, expired, conflict, ignoredColumns } = result;
      const counts = { view, rows, applied, duplicate, stale, expired, conflict };
      const ignored = ignoredColumns.length === 0 ? "" : `ignored columns: ${ignoredColumns.join(", ")}\n`;
      return {
        json: { ...counts, ignored_columns: ignoredColumns },
        text: renderTable(Object.keys(counts), [Object.values(counts)]) + ignored,
      };
    } finally {
      progress.stop();
    }
  },
});
