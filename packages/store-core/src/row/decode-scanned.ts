import type { FeatureValue, FeatureView } from "@larder/schema";
import type { Call } from "../call.ts";
import { decodeEntityKey } from "../keys/entity-key.ts";
import type { ScannedFeatureRow } from "../online-store.ts";
import type { ScannedRow } from "../row-store.ts";
import type { SchemaRegistry } from "../schema-registry.ts";
import { type FieldLayout, State } from "./row-layout.ts";
import {
  isRow,
  type RowBytes,
  RowCheck,
  readFixed,
  readHeader,
  readState,
  readVariable,
  rowBytes,
} from "./row-reader.ts";

/** Decodes one scanned row for the view as it is now; without `row`, `fault` says why it cannot be read for it. */
export async function decodeScanned(
  view: FeatureView | undefined,
  { view: name, entityKey, bytes }: ScannedRow,
  schemas: SchemaRegistry,
  call: Call,
): Promise<ScannedFeatureRow> {
  const decoded: Decoded =
    view === undefined
      ? { row: undefined, fault: "unknown_view" }
      : await decodeRow(view, entityKey, rowBytes(bytes), schemas, call);
  return { view: name, entityKey, ...decoded };
}

type Decoded = Omit<ScannedFeatureRow, "view" | "entityKey">;

const BROKEN: Decoded = { row: undefined, fault: "broken" };

async function decodeRow(
  view: FeatureView,
  key: string,
  bytes: RowBytes,
  schemas: SchemaRegistry,
  call: Call,
): Promise<Decoded> {
  const entityKey = decodeEntityKey(view, key);
  if (entityKey === undefined || !isRow(bytes.view, 0, bytes.buffer.length)) return BROKEN;
  const { eventTime, createdTime, tombstone, fingerprint } = readHeader(bytes.view, 0);
  if (schemas.readerOf(view, fingerprint) === undefined) await schemas.load(new Set([fingerprint]), call);
  const reader = schemas.readerOf(view, fingerprint);
  if (reader === undefined) return { row: undefined, fault: "unknown_schema" };
  if (reader.foreign) return { row: undefined, fault: "other_entity" };
  if (tombstone) return { row: { entityKey, eventTime, createdTime, values: undefined } };
  const spans = new Int32Array(reader.variableCount * 2);
  if (reader.check(bytes, 0, bytes.buffer.length, spans, 0) === RowCheck.BROKEN) return BROKEN;
  const values = reader.fields.map((field) => fieldValue(bytes, field, spans));
  const row = { entityKey, eventTime, createdTime, values };
  const { retyped, lacking } = reader;
  return retyped.length + lacking.length === 0 ? { row } : { row, retyped, lacking };
}

function fieldValue(bytes: RowBytes, field: FieldLayout | undefined, spans: Int32Array): FeatureValue | undefined {
  const state = field === undefined ? State.ABSENT : readState(bytes, 0, field);
  if (field === undefined || state === State.ABSENT) return undefined;
  if (state === State.NULL) return null;
  if (field.fixedOffset >= 0) return readFixed(bytes, 0, field);
  const span = 2 * field.variable;
  return readVariable(bytes, spans[span] as number, spans[span + 1] as number, field);
}
