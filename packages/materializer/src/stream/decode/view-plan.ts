import {
  compileRowDecoder,
  type FeatureRow,
  type FeatureView,
  type KeyType,
  MAX_ONLINE_MICROS,
  type RecordField,
  type RowDecoder,
  recordFieldText,
  type StreamSource,
  type ValueType,
} from "@larder/schema";
import type { StreamRecord } from "../event-source.ts";
import { UNAVAILABLE } from "./debezium-format.ts";
import { type Fields, Instant, isFields, type Payload, Unheld } from "./payload.ts";
import { bareValue, DIGITS, integerOf, type RecordKey } from "./record-key.ts";
import { invalid, Refused } from "./refused.ts";

/** One record, read as far as formats go. */
export interface ReadRecord {
  readonly topic: string;
  readonly record: StreamRecord;
  readonly payload: Payload;
  /** undefined = the record has none. Read only where a view asks for it. */
  key(): RecordKey | Refused | undefined;
}

/** A view's row of a record, for a tenant that is still to be looked up. */
export interface PlannedRow {
  readonly tenant: string;
  readonly row: FeatureRow;
}

/** A column of the view, and where in a record its value is; `text` names the place in messages. */
interface Column<T extends ValueType = ValueType> {
  readonly name: string;
  readonly field: RecordField;
  readonly text: string;
  readonly type: T;
}

const DEFAULT_TENANT = "default";
const EVENT_TIME = "event_timestamp";
const CREATED_TIME = "created";

/** What a view makes of a record. Compiled once: per record nothing looks at definitions. */
export class ViewPlan {
  readonly view: FeatureView;
  readonly #stream: StreamSource;
  readonly #keys: readonly Column<KeyType>[];
  readonly #features: readonly Column[];
  readonly #decoder: RowDecoder;
  /** Unset fields of Protobuf are absent features where the view has such. */
  readonly #nullIsAbsent: boolean;
  readonly #placeholders: boolean;

  constructor(view: FeatureView, stream: StreamSource) {
    this.view = view;
    this.#stream = stream;
    const sources = new Map([...stream.fieldMapping].map(([path, name]) => [name, path]));
    const column = <T extends ValueType>(name: string, type: T, from: RecordField["from"]): Column<T> => {
      const mapped = sources.get(name);
      const path = mapped === undefined || from === "header" ? [mapped ?? name] : mapped.split(".");
      return { name, type, field: { from, path }, text: recordFieldText({ from, path }) };
    };
    const keysFrom = { payload: "payload", key: "key", headers: "header" } as const;
    this.#keys = view.joinKeys.map(({ name, type }) => column(name, type, keysFrom[stream.joinKeysFrom]));
    this.#features = view.features.map(({ name, type }) => column(name, type, "payload"));
    const { joinKeys, features, partialRows, timeUnit } = view;
    // Its columns have the names of the view: the batch source's mapping is not the stream's.
    const shape = { joinKeys, features, partialRows, timeUnit, source: undefined, stream: undefined };
    this.#decoder = compileRowDecoder(shape, { quote: false });
    this.#nullIsAbsent = stream.format === "protobuf" && partialRows === "absent";
    this.#placeholders = stream.format === "debezium" || stream.format === "debezium_avro";
  }

  /** Paths into the payload that the view reads. */
  get payloadPaths(): readonly (readonly string[])[] {
    const { eventTime, createdTime, tenantField } = this.#stream;
    const fields = [...this.#keys, ...this.#features].map(({ field }) => field);
    const all = [...fields, eventTime, ...(createdTime ? [createdTime] : []), ...(tenantField ? [tenantField] : [])];
    return all.filter(({ from }) => from === "payload").map(({ path }) => path);
  }

  /** The row, or the first reason why there is none. `now` in microseconds. */
  rowOf(read: ReadRecord, now: number): PlannedRow | Refused {
    const tenant = this.#tenantOf(read);
    if (tenant instanceof Refused) return tenant;
    const { payload } = read;
    const values: Record<string, unknown> = {};
    const atFault = this.#fillKeys(read, values) ?? (payload.deleted ? undefined : this.#fillFeatures(payload, values));
    if (atFault !== undefined) return atFault;
    const change = payload.deleted ? this.#changeTime(read) : undefined;
    if (change instanceof Refused) return change;
    const hasOwnTime = !payload.deleted || payload.envelope !== undefined;
    const eventTime = hasOwnTime ? this.#timeOf(read, this.#stream.eventTime) : undefined;
    if (eventTime instanceof Refused) return eventTime;
    values[EVENT_TIME] = change === undefined ? eventTime : (eventTime ?? BigInt(change));
    const createdTime = this.#stream.createdTime;
    const created = createdTime === undefined ? undefined : this.#timeOf(read, createdTime);
    if (created instanceof Refused) return created;
    values[CREATED_TIME] = created ?? null;
    const decoded = payload.deleted ? this.#decoder.decodeTombstone(values, "") : this.#decoder.decode(values, "");
    if (!decoded.ok) return this.#refusal(decoded.problems);
    return this.#finish(tenant, decoded.row, change, read.record, now);
  }

  #finish(
    tenant: string,
    row: FeatureRow,
    change: number | undefined,
    record: StreamRecord,
    now: number,
  ): PlannedRow | Refused {
    const { entityKey, values } = row;
    const eventTime = change === undefined ? row.eventTime : Math.max(row.eventTime, change);
    if (eventTime > now + this.view.maxFuture) {
      const seconds = Math.ceil((eventTime - now) / 1e6);
      const what = `is ${seconds} s ahead of the clock (${this.view.maxFuture / 1e6} s allowed)`;
      const remedy = "Correct the producer's clock, time zone or unit, or raise max_future of the view";
      return invalid(recordFieldText(this.#stream.eventTime), what, remedy);
    }
    const createdTime = row.createdTime ?? recordMicros(record);
    if (createdTime !== undefined && Math.abs(createdTime) > MAX_ONLINE_MICROS)
      return noRecordTime("is beyond the times that a row can have");
    return { tenant, row: { entityKey, eventTime, createdTime, values } };
  }

  #tenantOf(read: ReadRecord): string | Refused {
    const { tenantField, tenantOfTopic } = this.#stream;
    if (tenantField === undefined) return tenantOfTopic.get(read.topic) ?? DEFAULT_TENANT;
    const value = this.#read(read, tenantField);
    if (value instanceof Refused || (typeof value === "string" && value !== "")) return value;
    const what = value === undefined ? "is missing" : "is no name of a tenant";
    return invalid(
      recordFieldText(tenantField),
      what,
      "Send the tenant's name with every record, tombstones among them",
    );
  }

  #fillKeys(read: ReadRecord, into: Record<string, unknown>): Refused | undefined {
    // A deletion may come without the row; then the key names the entity.
    const fromKey =
      this.#stream.joinKeysFrom === "key" ||
      (read.payload.fields === undefined && this.#stream.joinKeysFrom === "payload");
    for (const column of this.#keys) {
      const value = fromKey ? this.#joinKeyOfKey(read, column) : this.#read(read, column.field, column.type);
      if (value instanceof Refused) return value;
      const fitted = fit(column, value);
      if (fitted instanceof Refused) return fitted;
      into[column.name] = fitted;
    }
    return undefined;
  }

  #joinKeyOfKey(read: ReadRecord, { field, type, name }: Column<KeyType>): unknown {
    const key = read.key();
    if (key === undefined) {
      return invalid("key", "is missing", `Send the record with its join key "${name}" as its key`);
    }
    if (key instanceof Refused) return key;
    if (key.fields !== undefined) return at(key.fields, field, 0);
    if (this.#keys.length === 1) return bareValue(type, key.bare);
    return invalid(
      "key",
      `is one bare value for ${this.#keys.length} join keys`,
      "Send an object of join keys as the key",
    );
  }

  #fillFeatures({ fields }: Payload, into: Record<string, unknown>): Refused | undefined {
    for (let i = 0; i < this.#features.length; i++) {
      const column = this.#features[i]!;
      const value = fit(column, at(fields, column.field, 0));
      if (value instanceof Refused) return value;
      if (this.#placeholders && UNAVAILABLE.has(value)) {
        const remedy = "Set REPLICA IDENTITY FULL on the table, so that its events are whole";
        return invalid(column.text, "is Debezium's placeholder for a value that did not change", remedy);
      }
      into[column.name] = value === null && this.#nullIsAbsent ? undefined : value;
    }
    return undefined;
  }

  /** A part of the record. For a tombstone the key stands for the payload. */
  #read(read: ReadRecord, field: RecordField, type: KeyType = "string"): unknown {
    switch (field.from) {
      case "payload": {
        const { fields } = read.payload;
        if (fields !== undefined) return at(fields, field, 0);
        const key = read.key();
        return key === undefined || key instanceof Refused ? key : at(key.fields, field, 0);
      }
      case "key": {
        const key = read.key();
        return key === undefined || key instanceof Refused ? key : at(key.fields, field, 0);
      }
      case "header": {
        const bytes = read.record.headers.get(field.path[0] ?? "");
        return bytes === undefined ? undefined : bareValue(type, bytes);
      }
      case "envelope":
        return at(read.payload.envelope, field, 0);
      case "record":
        return recordMicros(read.record);
    }
  }

  /** A time as the row decoder takes it: bigint microseconds where the unit is known. */
  #timeOf(read: ReadRecord, field: RecordField): unknown {
    const value = this.#read(read, field);
    if (value instanceof Instant) return value.micros;
    if (value instanceof Unheld)
      return invalid(recordFieldText(field), `is ${value.what}`, "Send a time in whole microseconds");
    switch (field.from) {
      case "header":
        return typeof value === "string" && DIGITS.test(value) ? integerOf(value) : value;
      case "record":
        return typeof value === "number" ? BigInt(value) : noRecordTime("is missing");
      case "envelope":
        if (value === undefined) return undefined;
        if (!isInteger(value)) return invalid(recordFieldText(field), "is no whole number", "Check the connector");
        return BigInt(value) * (field.path.at(-1) === "ts_us" ? 1n : 1000n);
      default:
        return value;
    }
  }

  /** When a deletion happened: the change's own time, or for a record without a value the record's. The row's time may be later, and counts then. */
  #changeTime(read: ReadRecord): number | Refused | undefined {
    const { envelope } = read.payload;
    if (envelope === undefined) return recordMicros(read.record) ?? noRecordTime("is missing");
    if (this.#stream.eventTime.from !== "payload") return undefined;
    const source = envelope["source"];
    const millis = (isFields(source) ? source["ts_ms"] : undefined) ?? envelope["ts_ms"];
    if (typeof millis === "number" && Number.isSafeInteger(millis * 1000)) return millis * 1000;
    return invalid("envelope:source.ts_ms", "is no time in milliseconds", "Check the connector");
  }

  #refusal(problems: readonly { readonly field: string; readonly what: string; readonly remedy: string }[]): Refused {
    const [first] = problems;
    if (first === undefined) return invalid("value", "is no row", "Check the producer");
    const column = [...this.#keys, ...this.#features].find(({ name }) => name === first.field);
    const { eventTime, createdTime } = this.#stream;
    const time = first.field === EVENT_TIME ? eventTime : first.field === CREATED_TIME ? createdTime : undefined;
    const text = column?.text ?? (time === undefined ? first.field : recordFieldText(time));
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more of its fields cannot be taken)` : "";
    return invalid(text, `${first.what}${more}`, first.remedy);
  }
}

/** The value at a field's path: undefined where a step is missing, null where it is null. */
function at(fields: Fields | undefined, field: RecordField, step: number): unknown {
  const name = field.path[step]!;
  const value = fields?.[name];
  if (step + 1 === field.path.length || value === undefined || value === null) return value;
  if (isFields(value)) return at(value, field, step + 1);
  return invalid(
    recordFieldText(field),
    `leads through "${name}", which has no fields`,
    "Correct the path, or the producer",
  );
}

/** A value as the row decoder takes it for a column's type. */
function fit({ type, text }: Column, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Instant) return fitInstant(type, value);
  if (value instanceof Unheld)
    return invalid(
      text,
      `is ${value.what}, which no type of a feature holds`,
      "Leave it out, or write it as another type",
    );
  if (!Array.isArray(value)) return value;
  const odd = value.find((item) => item instanceof Unheld);
  if (odd instanceof Unheld)
    return invalid(text, `has ${odd.what}, which no type of a feature holds`, "Write it as another type");
  return value.some((item) => item instanceof Instant)
    ? value.map((item) => (item instanceof Instant ? fitInstant(type, item) : item))
    : value;
}

/** Whole seconds for unix_timestamp, exactly; the number that the message has for others. */
function fitInstant(type: ValueType, { micros, raw }: Instant): unknown {
  if (type !== "unix_timestamp" && type !== "list<unix_timestamp>") return raw;
  return micros % 1_000_000n === 0n ? micros / 1_000_000n : Number(micros) / 1e6;
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === "bigint" || Number.isSafeInteger(value);
}

/** The record's own time in microseconds; brokers write -1 where there is none. */
function recordMicros({ timestamp }: StreamRecord): number | undefined {
  return timestamp >= 0 ? timestamp * 1000 : undefined;
}

function noRecordTime(what: string): Refused {
  return invalid("record:timestamp", what, "Send records with a timestamp, or name a field for the time");
}
