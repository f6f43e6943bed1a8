import type { ErasureReceipt } from "../../forget-entity.ts";
import { renderTable } from "./table.ts";

/** A receipt for a reader. */
export function receiptText(receipt: ErasureReceipt): string {
  const { tenant, join_keys, erased_at, markers, rows, views, offline, streams, training_sets, unread_training_sets } =
    receipt;
  const lines = [
    `erased one entity (${join_keys.join(", ")}) of tenant ${tenant}: ${rows} row${rows === 1 ? "" : "s"} removed`,
    `rows with an event time up to ${erased_at} do not come back; marker ${markers.join(", ")}`,
    "",
  ];
  const left = [
    ...offline.map(({ view, source }) => `source of ${view}: ${source}`),
    ...streams.map(
      ({ view, topics }) =>
        `stream of ${view}, where Kafka deletes no single record, so it stays until retention or \`larder dlq purge\` ends it: ${topics.join(", ")}`,
    ),
    ...training_sets.map(({ file, rows: found }) => `training set ${file}: ${found} row${found === 1 ? "" : "s"}`),
    ...unread_training_sets.map(({ manifest, reason }) => `training set of ${manifest}, not looked into: ${reason}`),
    ...(receipt.served_log?.unread ?? []).map(
      ({ file, reason }) => `served-vector log ${file}, not cleaned: ${reason}`,
    ),
  ];
  const table = renderTable(
    ["view", "rows", "found by"],
    views.map((view) => [view.view, view.rows, view.found]),
  );
  const log = receipt.served_log;
  const cleaned = (log?.files ?? []).reduce((sum, file) => sum + file.rows, 0);
  const served =
    log === undefined
      ? ""
      : `\nserved-vector log ${log.folder}: ${cleaned} row${cleaned === 1 ? "" : "s"} of ${log.files.length} file${log.files.length === 1 ? "" : "s"} removed\n`;
  const rest = left.length === 0 ? [] : ["", "not changed, yours to delete from:", ...left.map((line) => `  ${line}`)];
  return `${lines.join("\n")}${table}${served}${rest.length === 0 ? "" : `${rest.join("\n")}\n`}`;
}
