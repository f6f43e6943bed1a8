import type { DecodedRow, FeatureView } from "@larder/schema";

/** A row as a file or a stream brings it: column -> value. */
export type SourceRecord = Readonly<Record<string, unknown>>;

/**
 * Decodes one record and refuses it when it is dated ahead: rule 5 of the online store, told per row, so that one bad row does not refuse the
 * others of its write. `now` in microseconds.
 */
export function decodeRecord(view: FeatureView, record: SourceRecord, place: string, now: number): DecodedRow {
  const decoded = view.rowDecoder.decode(record, place);
  if (!decoded.ok || decoded.row.eventTime <= now + view.maxFuture) return decoded;
  const ahead = Math.ceil((decoded.row.eventTime - now) / 1e6);
  return {
    ok: false,
    problems: [
      {
        place,
        field: view.source?.timestampField ?? "event_timestamp",
        what: `is ${ahead} s ahead of the clock (${view.maxFuture / 1e6} s allowed)`,
        remedy: "Correct the producer's clock or time zone, or raise max_future of the view",
      },
    ],
  };
}
