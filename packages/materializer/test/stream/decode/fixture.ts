import { type Definitions, parseDefinitions } from "@larder/schema";
import { createRecordDecoder, type RecordDecoderOptions } from "../../../src/stream/decode/record-decoder.ts";
import type { DecodedRecord, Refusal } from "../../../src/stream/decoded-record.ts";
import type { StreamRecord } from "../../../src/stream/event-source.ts";

/** 2026-01-31T12:00:00Z in microseconds, which is now in these tests. */
export const NOW = 1_769_860_800_000_000;
export const NOW_TEXT = "2026-01-31T12:00:00.000000Z";

/** Definitions of one view `v` over `id` with the features `amount` and `plan`, fed by the topic `t`. */
export interface Sketch {
  readonly stream?: string;
  readonly view?: string;
  readonly keys?: string;
  readonly features?: string;
  readonly registry?: string;
  readonly tenants?: string;
  readonly more?: string;
  readonly folder?: string;
}

export function definitionsOf(sketch: Sketch = {}): Definitions {
  const {
    keys = "{ name: id, type: int64 }",
    features = "{ name: amount, type: float64 }, { name: plan, type: string }",
  } = sketch;
  const registry = sketch.registry === undefined ? "" : `, schema_registry: ${sketch.registry}`;
  const text = `
project: p
stream: { type: kafka, brokers: ["b:1"]${registry} }
entities: [{ name: e, join_keys: [${keys}] }]
tenants: ${sketch.tenants ?? "{ default: {}, acme: {} }"}
feature_views:
  - name: v
    entity: e
    ${sketch.view ?? "time_unit: ms"}
    features: [${features}]
    stream: { ${sketch.stream ?? "topic: t"} }
${sketch.more ?? ""}`;
  return parseDefinitions(text, { file: `${sketch.folder ?? "/srv"}/feature_store.yaml`, env: {} });
}

export interface Sent {
  readonly topic?: string;
  readonly key?: string | Uint8Array | null;
  /** Objects are sent as JSON. */
  readonly value?: string | Uint8Array | object | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timestamp?: number;
}

function recordOf({ key = null, value = null, headers = {}, timestamp = NOW / 1000 }: Sent): StreamRecord {
  return {
    offset: 0n,
    timestamp,
    key: typeof key === "string" ? Buffer.from(key) : key,
    value:
      value === null || value instanceof Uint8Array
        ? value
        : Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
    headers: new Map(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  };
}

/** A decoder whose answers are those of one record at a time. */
export function decoderOf(sketch: Sketch | Definitions = {}, options: RecordDecoderOptions = {}) {
  const decoder = createRecordDecoder("views" in sketch ? sketch : definitionsOf(sketch), options);
  const decode = (sent: Sent, now = NOW) =>
    decoder.decode({ topic: sent.topic ?? "t", partition: 0 }, recordOf(sent), now);
  return {
    decode,
    /** For formats that need no registry: the answer is there at once. */
    now(sent: Sent): DecodedRecord {
      const decoded = decode(sent);
      if (decoded instanceof Promise) throw new Error("it was not decoded at once");
      return decoded;
    },
  };
}

/** The rows of a record that must be good, as short as they can be said. */
export function rowsOf(decoded: DecodedRecord) {
  if (!decoded.ok) throw new Error(decoded.refused.message);
  return decoded.rows.map(({ view, tenant, row }) => ({ view: view.name, tenant, ...row }));
}

export function refusalOf(decoded: DecodedRecord): Refusal {
  if (decoded.ok) throw new Error("it was not refused");
  return decoded.refused;
}
