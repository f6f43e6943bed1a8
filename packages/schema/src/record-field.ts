import type { RecordField } from "./definitions.ts";

const PARTS = ["header", "key", "record", "envelope"] as const;

/** A {@link RecordField} of its text in the file: `a.b`, `header:NAME`, `key:FIELD`, `record:timestamp`, `envelope:source.ts_ms`. */
export function readRecordField(text: string): RecordField {
  for (const from of PARTS) {
    if (!text.startsWith(`${from}:`)) continue;
    const rest = text.slice(from.length + 1);
    return { from, path: from === "header" ? [rest] : rest.split(".") };
  }
  return { from: "payload", path: text.split(".") };
}

/** The text of it, as the file has it. */
export function recordFieldText({ from, path }: RecordField): string {
  const name = path.join(".");
  return from === "payload" ? name : `${from}:${name}`;
}

/** The field's name, where it is a plain field of the payload, so that rows which come by another way have it as a column. */
export function payloadColumn(field: RecordField | undefined): string | undefined {
  return field?.from === "payload" && field.path.length === 1 ? field.path[0] : undefined;
}
